rule mechanism:
    input:
        endpoints="<results>/sets/{set}/endpoints/{job}.xyz",
        paths="<results>/sets/{set}/paths/{method}/{job}.xyz",
        met="<results>/sets/{set}/met/{method}/{job}.xyz",
        runs="<results>/sets/{set}/runs/{method}/{job}.csv",
        saddles="<results>/sets/{set}/saddles/{method}/{job}.xyz",
        irc="<results>/sets/{set}/irc/{method}/{job}.xyz",
    output:
        rows="<results>/sets/{set}/mechanisms/{method}/{job}.csv",
        steps="<results>/sets/{set}/steps/{method}/{job}.csv",
        frames="<results>/sets/{set}/steps/{method}/{job}.xyz",
        ways="<results>/sets/{set}/ways/{method}/{job}.csv",
    log:
        "<logs>/mechanism/{set}/{method}/{job}.log",
    benchmark:
        "<benchmarks>/mechanism/{set}/{method}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=mechanism_code,
        method=lambda w: METHODS[w.method],
        ways=CONFIG.ways,
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    script:
        "../scripts/mechanism.py"
