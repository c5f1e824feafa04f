# What a multistep reaction consists of is known only when its paths are judged. One checkpoint
# for all sets, so that the DAG is built anew once; without intermediates it adds no job.
checkpoint steps:
    input:
        stations=first_pass("stations", "xyz"),
        endpoints=[f"<results>/sets/{name}/endpoints.xyz" for name in CONFIG.sets],
        code=code(PACKAGE / "chains.py", potential_code()),
    output:
        *[f"<results>/sets/{name}{STEPS}/steps.xyz" for name in CONFIG.sets],
        plan="<results>/steps.csv",
    log:
        "<logs>/steps.log",
    benchmark:
        "<benchmarks>/steps.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
        files={name: f"{CONFIG.results}/sets/{name}{STEPS}/steps.xyz" for name in CONFIG.sets},
    script:
        "../scripts/steps.py"
