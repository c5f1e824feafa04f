rule endpoints:
    input:
        entries=entry_files,
    output:
        frames="<results>/sets/{set}/endpoints/{job}.xyz",
        rows="<results>/sets/{set}/endpoints/{job}.csv",
    log:
        "<logs>/endpoints/{set}/{job}.log",
    benchmark:
        "<benchmarks>/endpoints/{set}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=prepare_code,
        spec=lambda w: CONFIG.sets[w.set],
        reactions=lambda w: CONFIG.jobs[w.set][w.job],
        entries=entry_digest,
        potential=POTENTIAL,
        accept_relaxed=CONFIG.accept_relaxed,
        keep_order=CONFIG.keep_order,
        timeout=CONFIG.timeout,
    script:
        "../scripts/endpoints.py"


rule gather_endpoints:
    input:
        frames=endpoint_jobs("xyz"),
        rows=endpoint_jobs("csv"),
    output:
        frames="<results>/sets/{set}/endpoints.xyz",
        rows="<results>/sets/{set}/endpoints.csv",
    log:
        "<logs>/gather_endpoints/{set}.log",
    benchmark:
        "<benchmarks>/gather_endpoints/{set}.tsv"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    script:
        "../scripts/gather_endpoints.py"


rule guess:
    input:
        frames="<results>/sets/{set}/endpoints/{job}.xyz",
        rows="<results>/sets/{set}/endpoints/{job}.csv",
    output:
        frames="<results>/sets/{set}/guesses/{guess}/{job}.xyz",
        rows="<results>/sets/{set}/guesses/{guess}/{job}.csv",
    log:
        "<logs>/guess/{set}/{guess}/{job}.log",
    benchmark:
        "<benchmarks>/guess/{set}/{guess}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=guess_code,
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    script:
        "../scripts/guess.py"
