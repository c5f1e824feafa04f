rule score:
    input:
        runs=all_jobs("runs", "csv"),
        traces=all_jobs("traces", "csv"),
        profiles=all_jobs("profiles", "csv"),
        saddles=all_jobs("saddles", "xyz"),
        irc=all_jobs("irc", "xyz"),
        endpoints=all_endpoints("xyz"),
        endpoint_rows=all_endpoints("csv"),
        reference=shipped_references(),
        code=code(PACKAGE / "score.py"),
    output:
        runs=f"{R}/runs.csv",
        traces=f"{R}/traces.csv",
        profiles=f"{R}/profiles.csv",
        saddles=f"{R}/saddles.xyz",
        reference=f"{R}/reference.csv",
        reference_frames=f"{R}/reference.xyz",
        provenance=f"{R}/provenance.json",
    params:
        config=config,
    log:
        f"{R}/logs/score.log",
    benchmark:
        f"{R}/benchmarks/score.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    script:
        "../scripts/score.py"


rule surface:
    input:
        code=surface_code(),
    output:
        f"{R}/surfaces.csv",
    params:
        methods=CONFIG.methods,
        timeout=CONFIG.timeout,
    log:
        f"{R}/logs/surface.log",
    benchmark:
        f"{R}/benchmarks/surface.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    script:
        "../scripts/surface.py"
