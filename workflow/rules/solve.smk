rule solve:
    input:
        unpack(guess_files),
        endpoints="<results>/sets/{set}/endpoints/{job}.xyz",
        endpoint_rows="<results>/sets/{set}/endpoints/{job}.csv",
    output:
        rows="<results>/sets/{set}/solved/{method}/{job}.csv",
        traces="<results>/sets/{set}/traces/{method}/{job}.csv",
        paths="<results>/sets/{set}/paths/{method}/{job}.xyz",
        met="<results>/sets/{set}/met/{method}/{job}.xyz",
    log:
        "<logs>/solve/{set}/{method}/{job}.log",
    benchmark:
        "<benchmarks>/solve/{set}/{method}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=solve_code,
        method=lambda w: asdict(CONFIG.methods[w.method].path_stage),
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    script:
        "../scripts/solve.py"
