RESULT_TABLES = {
    "runs": f"{R}/runs.csv",
    "traces": f"{R}/traces.csv",
    "profiles": f"{R}/profiles.csv",
    "surfaces": f"{R}/surfaces.csv",
    "reference": f"{R}/reference.csv",
    "provenance": f"{R}/provenance.json",
}


rule tables:
    input:
        **RESULT_TABLES,
        code=code(PACKAGE / "tables.py"),
    output:
        expand(
            R + "/tables/{table}.{kind}",
            table=["summary", "reactions", "failures"],
            kind=["csv", "md", "tex"],
        ),
    log:
        f"{R}/logs/tables.log",
    benchmark:
        f"{R}/benchmarks/tables.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/tables.py"


rule figure:
    input:
        **RESULT_TABLES,
        figure=lambda w: str(FIGURES[w.figure]),
        code=code(PACKAGE / "figures.py"),
    output:
        expand(R + "/figures/{{figure}}.{kind}", kind=["pdf", "png", "svg"]),
    log:
        R + "/logs/figure/{figure}.log",
    benchmark:
        R + "/benchmarks/figure/{figure}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/figure.py"


rule report:
    input:
        **RESULT_TABLES,
        endpoints=all_endpoints("csv"),
        tables=rules.tables.output,
        figures=figures(),
        templates=sorted(str(f) for f in (ROOT / "workflow" / "report").glob("*")),
        code=code(PACKAGE / "report.py"),
    output:
        f"{R}/report/index.html",
    log:
        f"{R}/logs/report.log",
    benchmark:
        f"{R}/benchmarks/report.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/report.py"
