# Reactions are scored job by job, all methods together: a reference belongs to one reaction.
rule score:
    input:
        endpoints="<results>/sets/{set}/endpoints/{job}.xyz",
        runs=every_method("runs/{method}/{job}.csv"),
        saddles=every_method("saddles/{method}/{job}.xyz"),
        irc=every_method("irc/{method}/{job}.xyz"),
        mechanisms=every_method("mechanisms/{method}/{job}.csv"),
        shipped=shipped_reference,
    output:
        runs=every_method("scored/{method}/{job}.csv"),
        reference="<results>/sets/{set}/reference/{job}.csv",
        reference_frames="<results>/sets/{set}/reference/{job}.xyz",
        reference_irc="<results>/sets/{set}/reference_irc/{job}.xyz",
        reference_profiles="<results>/sets/{set}/reference_profiles/{job}.csv",
    log:
        "<logs>/score/{set}/{job}.log",
    benchmark:
        "<benchmarks>/score/{set}/{job}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=code_digest(PACKAGE / "scoring" / "gather.py", potential_code()),
        potential=POTENTIAL,
        shipped=lambda w: next(iter(shipped_reference(w)), None),
    script:
        "../scripts/score.py"


rule collect:
    input:
        runs=all_jobs("scored/{method}/{job}.csv"),
        traces=all_jobs("traces/{method}/{job}.csv"),
        profiles=all_jobs("profiles/{method}/{job}.csv"),
        saddles=all_jobs("saddles/{method}/{job}.xyz"),
        reference=all_jobs("reference/{job}.csv"),
        reference_frames=all_jobs("reference/{job}.xyz"),
        reference_irc=all_jobs("reference_irc/{job}.xyz"),
        reference_profiles=all_jobs("reference_profiles/{job}.csv"),
        endpoints=all_endpoints("xyz"),
        endpoint_rows=all_endpoints("csv"),
        steps=all_jobs("steps/{method}/{job}.csv"),
        step_frames=all_jobs("steps/{method}/{job}.xyz"),
        ways=all_jobs("ways/{method}/{job}.csv"),
        shipped=shipped_references(),
    output:
        runs=report(
            "<results>/runs.csv",
            category="Tables",
            labels={"table": "runs"},
            caption="../report/captions/runs.rst",
        ),
        traces="<results>/traces.csv",
        profiles="<results>/profiles.csv",
        saddles="<results>/saddles.xyz",
        chains="<results>/chains.csv",
        chain_frames="<results>/chains.xyz",
        ways="<results>/ways.csv",
        reference="<results>/reference.csv",
        reference_frames="<results>/reference.xyz",
        reference_irc="<results>/reference_irc.xyz",
        provenance="<results>/provenance.json",
    log:
        "<logs>/collect.log",
    benchmark:
        "<benchmarks>/collect.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_digest(PACKAGE / "scoring" / "gather.py"),
        config=RECORDED,
        sets=CONFIG.sets,
    script:
        "../scripts/collect.py"


rule surface:
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
        code=surface_code(),
        methods=METHODS,
        timeout=CONFIG.timeout,
    script:
        "../scripts/surface.py"
