from snakemake.utils import min_version

min_version("9.27")

# There is no `configfile:` here. A jobstep on a cluster would merge it deeply with the user's
# config, also where `--replace-workflow-config` was given; `check_config` completes what is
# left out instead, by whole top-level keys of config.yaml.


report: "workflow/report/captions/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/solve.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/mechanism.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"


# Seconds each: on a cluster they run where Snakemake runs.
localrules:
    all,
    search_reference,
    gather_endpoints,
    collect,
    tables,
    figure,
    gallery,
    report,


rule all:
    input:
        "<results>/runs.csv",
        whole_report(),


# `make reference`: the search for references needs no figures.
rule search_reference:
    input:
        "<results>/reference.csv",
        "<results>/reference.xyz",
        "<results>/reference_irc.xyz",


# Snakemake's limit on new jobs a second (100 by default) wakes the scheduler once a second for
# each job that has ended, and each time it looks at all inputs of all jobs that are ready: after
# a hundred jobs a third of a core. `--cores` and `--jobs` limit jobs as well.
onstart:
    workflow.scheduler.job_rate_limiter = None
    write_plan(
        CONFIG.results,
        [str(f) for job in workflow.dag.needrun_jobs() for f in job.output],
    )


onsuccess:
    announce(CONFIG.results)
