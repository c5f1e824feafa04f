from snakemake.utils import min_version

min_version("9.8")


configfile: workflow.basedir + "/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/solve.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    input:
        f"{R}/report/index.html",
        f"{R}/tables/summary.csv",
        figures(),
