# What a multistep reaction consists of is known only when its paths are judged. One job for all
# sets, so that the DAG is built anew once; without intermediates nothing follows from it.
rule steps:
    input:
        stations=first_pass("stations/{method}/{job}.xyz"),
        endpoints=[f"<results>/sets/{name}/endpoints.xyz" for name in CONFIG.sets],
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
        code=code_digest(PACKAGE / "scoring" / "chains.py", potential_code()),
        potential=POTENTIAL,
        timeout=CONFIG.timeout,
        files={name: f"{CONFIG.results}/sets/{name}{STEPS}/steps.xyz" for name in CONFIG.sets},
    script:
        "../scripts/steps.py"


# A job on a cluster is planned again where it runs. With a checkpoint among the rules it would
# look at every file of the run there; it needs none, since all that it asks for lies behind it.
if workflow.is_main_process:

    checkpoint planned:
        input:
            plan="<results>/steps.csv",
        output:
            touch("<results>/steps.planned"),
        localrule: True
