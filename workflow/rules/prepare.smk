rule endpoints:
    input:
        entries=entry_files,
        code=prepare_code,
    output:
        frames=R + "/sets/{set}/endpoints/{job}.xyz",
        rows=R + "/sets/{set}/endpoints/{job}.csv",
    params:
        spec=lambda w: CONFIG.sets[w.set],
        reactions=lambda w: CONFIG.jobs[w.set][w.job],
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    log:
        R + "/logs/endpoints/{set}/{job}.log",
    benchmark:
        R + "/benchmarks/endpoints/{set}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    script:
        "../scripts/endpoints.py"


rule gather_endpoints:
    input:
        frames=endpoint_jobs("xyz"),
        rows=endpoint_jobs("csv"),
    output:
        frames=R + "/sets/{set}/endpoints.xyz",
        rows=R + "/sets/{set}/endpoints.csv",
    log:
        R + "/logs/gather_endpoints/{set}.log",
    benchmark:
        R + "/benchmarks/gather_endpoints/{set}.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    script:
        "../scripts/gather_endpoints.py"


rule guess:
    input:
        frames=R + "/sets/{set}/endpoints/{job}.xyz",
        rows=R + "/sets/{set}/endpoints/{job}.csv",
        code=guess_code,
    output:
        frames=R + "/sets/{set}/guesses/{guess}/{job}.xyz",
        rows=R + "/sets/{set}/guesses/{guess}/{job}.csv",
    params:
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
    log:
        R + "/logs/guess/{set}/{guess}/{job}.log",
    benchmark:
        R + "/benchmarks/guess/{set}/{guess}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    script:
        "../scripts/guess.py"
