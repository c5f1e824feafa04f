RESULT_TABLES = {
    "runs": "<results>/runs.csv",
    "traces": "<results>/traces.csv",
    "profiles": "<results>/profiles.csv",
    "surfaces": "<results>/surfaces.csv",
    "reference": "<results>/reference.csv",
    "chains": "<results>/chains.csv",
    "ways": "<results>/ways.csv",
    "provenance": "<results>/provenance.json",
}


rule tables:
    input:
        **RESULT_TABLES,
    output:
        [
            report(
                f"<results>/tables/{table}.csv",
                category="Tables",
                labels={"table": table},
                caption=f"../report/captions/{table}.rst",
            )
            for table in MAIN_TABLES
        ],
        expand("<results>/tables/{table}.csv", table=FURTHER_TABLES),
        expand(
            "<results>/tables/{table}.{kind}",
            table=MAIN_TABLES + FURTHER_TABLES,
            kind=["md", "tex"],
        ),
    log:
        "<logs>/tables.log",
    benchmark:
        "<benchmarks>/tables.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code_digest(PACKAGE / "reporting" / "tables.py"),
        captions=table_captions,
    script:
        "../scripts/tables.py"


rule figure:
    input:
        **RESULT_TABLES,
    output:
        expand("<results>/figures/{{figure}}.{kind}", kind=["pdf", "png"]),
        report(
            "<results>/figures/{figure}.svg",
            category="Figures",
            labels={"figure": "{figure}"},
            caption="../report/captions/figure.rst",
        ),
    log:
        "<logs>/figure/{figure}.log",
    benchmark:
        "<benchmarks>/figure/{figure}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=lambda w: code_digest(FIGURES[w.figure], PACKAGE / "reporting" / "figures.py"),
        caption=lambda w: rst_text(caption(w.figure, CONFIG.figures)),
    script:
        "../scripts/figure.py"


rule gallery:
    input:
        **RESULT_TABLES,
        endpoints="<results>/sets/{set}/endpoints.csv",
        templates=[str(WORKFLOW / "report" / f) for f in ("base.html", "gallery.html", "style.css")],
    output:
        directory("<results>/report/gallery/{set}"),
    log:
        "<logs>/gallery/{set}.log",
    benchmark:
        "<benchmarks>/gallery/{set}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_digest(PACKAGE / "reporting" / "gallery.py"),
    script:
        "../scripts/gallery.py"


rule report:
    input:
        **RESULT_TABLES,
        galleries=expand("<results>/report/gallery/{set}", set=CONFIG.sets),
        endpoints=all_endpoints("csv"),
        tables=rules.tables.output,
        figures=figures(),
        templates=sorted(str(f) for f in (WORKFLOW / "report").rglob("*.*") if f.is_file()),
    output:
        expand("<results>/report/{page}", page=[file for _, _, file in PAGES]),
        directory(
            expand(
                "<results>/report/{folder}",
                folder=["assets", "data", "images", "methods", "reactions"],
            )
        ),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=code_digest(PACKAGE / "reporting" / "report.py"),
    script:
        "../scripts/report.py"
