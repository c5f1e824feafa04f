rule judge:
    input:
        endpoints=R + "/sets/{set}/endpoints/{job}.xyz",
        endpoint_rows=R + "/sets/{set}/endpoints/{job}.csv",
        rows=R + "/sets/{set}/solved/{method}/{job}.csv",
        paths=R + "/sets/{set}/paths/{method}/{job}.xyz",
        code=judge_code,
    output:
        runs=R + "/sets/{set}/runs/{method}/{job}.csv",
        saddles=R + "/sets/{set}/saddles/{method}/{job}.xyz",
        irc=R + "/sets/{set}/irc/{method}/{job}.xyz",
        profiles=R + "/sets/{set}/profiles/{method}/{job}.csv",
    params:
        method=lambda w: CONFIG.methods[w.method],
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    log:
        R + "/logs/judge/{set}/{method}/{job}.log",
    benchmark:
        R + "/benchmarks/judge/{set}/{method}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=120,
    script:
        "../scripts/judge.py"
