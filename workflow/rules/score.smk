rule score:
    input:
        runs=all_jobs("runs", "csv"),
        traces=all_jobs("traces", "csv"),
        profiles=all_jobs("profiles", "csv"),
        saddles=all_jobs("saddles", "xyz"),
        irc=all_jobs("irc", "xyz"),
        endpoints=all_endpoints("xyz"),
        endpoint_rows=all_endpoints("csv"),
        plan="<results>/steps.csv",
        reference=shipped_references(),
        code=code(PACKAGE / "gather.py", potential_code()),
    output:
        runs="<results>/runs.csv",
        traces="<results>/traces.csv",
        profiles="<results>/profiles.csv",
        saddles="<results>/saddles.xyz",
        chains="<results>/chains.csv",
        reference="<results>/reference.csv",
        reference_frames="<results>/reference.xyz",
        reference_irc="<results>/reference_irc.xyz",
        provenance="<results>/provenance.json",
    log:
        "<logs>/score.log",
    benchmark:
        "<benchmarks>/score.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        config=CONFIG.completed,
        sets=CONFIG.sets,
        potential=POTENTIAL,
        shipped={name: str(file) for name, file in CONFIG.references.items()},
    script:
        "../scripts/score.py"


rule surface:
    input:
        code=surface_code(),
    output:
        "<results>/surfaces.csv",
    log:
        "<logs>/surface.log",
    benchmark:
        "<benchmarks>/surface.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        methods=METHODS,
        timeout=CONFIG.timeout,
    script:
        "../scripts/surface.py"
