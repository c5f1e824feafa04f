rule judge:
    input:
        endpoints="<results>/sets/{set}/endpoints/{job}.xyz",
        endpoint_rows="<results>/sets/{set}/endpoints/{job}.csv",
        rows="<results>/sets/{set}/solved/{method}/{job}.csv",
        paths="<results>/sets/{set}/paths/{method}/{job}.xyz",
    output:
        runs="<results>/sets/{set}/runs/{method}/{job}.csv",
        saddles="<results>/sets/{set}/saddles/{method}/{job}.xyz",
        irc="<results>/sets/{set}/irc/{method}/{job}.xyz",
        profiles="<results>/sets/{set}/profiles/{method}/{job}.csv",
    log:
        "<logs>/judge/{set}/{method}/{job}.log",
    benchmark:
        "<benchmarks>/judge/{set}/{method}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=judge_code,
        method=lambda w: METHODS[w.method],
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    script:
        "../scripts/judge.py"
