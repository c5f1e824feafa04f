rule solve:
    input:
        unpack(guess_files),
        endpoints=R + "/sets/{set}/endpoints/{job}.xyz",
        endpoint_rows=R + "/sets/{set}/endpoints/{job}.csv",
        code=solve_code,
    output:
        rows=R + "/sets/{set}/solved/{method}/{job}.csv",
        traces=R + "/sets/{set}/traces/{method}/{job}.csv",
        paths=R + "/sets/{set}/paths/{method}/{job}.xyz",
    params:
        method=lambda w: CONFIG.methods[w.method].path_stage,
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    log:
        R + "/logs/solve/{set}/{method}/{job}.log",
    benchmark:
        R + "/benchmarks/solve/{set}/{method}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=120,
    script:
        "../scripts/solve.py"
