from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError

from mepbench.config import check_config, set_files, solver_files
from mepbench.errors import InputError
from mepbench.files.shipped import WORKFLOW
from mepbench.jobs.plan import write_plan
from mepbench.reporting.figures import caption, figure_files
from mepbench.reporting.markup import rst_text
from mepbench.reporting.site import PAGES
from mepbench.reaction import irc_file
from mepbench.scoring.reference import announce
from mepbench.registry import PACKAGE, code_digest, plugin_files, source_file


def config_folder():
    """Where the config file lies: what of it is outside the package is relative to that."""
    return Path(workflow.configfiles[-1]).parent if workflow.configfiles else Path()


try:
    CONFIG = check_config(config, config_folder())
except InputError as error:
    raise WorkflowError(f"config: {error}") from None


pathvars:
    results=CONFIG.results,
    logs=f"{CONFIG.results}/logs",
    benchmarks=f"{CONFIG.results}/benchmarks",


# Snakemake sees a change in a parameter only if it is plain: strings, numbers, lists, dicts.
POTENTIAL = {"name": CONFIG.potential, "options": CONFIG.potential_options}
RECORDED = {key: value for key, value in CONFIG.completed.items() if key != "report"}
METHODS = {name: asdict(method) for name, method in CONFIG.methods.items()}
FIGURES = figure_files(CONFIG.figures)
# Those of `snakemake --report`, and the others.
MAIN_TABLES = "summary intervals verdicts unsolved reactions pairwise".split()
FURTHER_TABLES = "failures virtual_best profiles ranks accuracy hardness".split()


wildcard_constraints:
    set="|".join(CONFIG.sets),
    method="|".join(CONFIG.methods),
    job=r"\d+",


def growing(amount):
    """Resources of a job that was tried before and may have run out of them."""
    return lambda wildcards, attempt: amount * attempt


def potential_code():
    return source_file("potentials", CONFIG.potential)


def prepare_code(wildcards):
    guess = source_file("guesses", "geodesic")  # loaded by name in preparation/order.py
    return code_digest(PACKAGE / "preparation" / "prepare.py", potential_code(), guess)


def guess_code(wildcards):
    files = plugin_files("guesses", wildcards.guess)
    return code_digest(PACKAGE / "solving" / "guess.py", potential_code(), *files)


def solve_code(wildcards):
    files = solver_files(CONFIG.methods[wildcards.method])
    return code_digest(PACKAGE / "solving" / "solve.py", potential_code(), *files)


def mechanism_code(wildcards):
    method = CONFIG.methods[wildcards.method]
    files = [*solver_files(method), *plugin_files("guesses", method.guess)]
    files.append(source_file("refiners", method.refiner))
    return code_digest(PACKAGE / "mechanism" / "ways.py", potential_code(), *files)


def judge_code(wildcards):
    refiner = CONFIG.methods[wildcards.method].refiner
    return code_digest(
        PACKAGE / "judging" / "verify.py", potential_code(), source_file("refiners", refiner)
    )


def entries(wildcards):
    """The reactions of a job, as arguments of `set_files`."""
    name = wildcards.set
    return name, CONFIG.sets[name], CONFIG.jobs[name][wildcards.job]


def entry_files(wildcards):
    return set_files(*entries(wildcards))[0]


def entry_digest(wildcards):
    """What of a job's reactions is not among its files, as `set_files` says."""
    return set_files(*entries(wildcards))[1]


def guess_files(wildcards):
    guess = CONFIG.methods[wildcards.method].guess
    stem = f"<results>/sets/{wildcards.set}/guesses/{guess}/{wildcards.job}"
    return {"guess": f"{stem}.xyz", "guess_rows": f"{stem}.csv"}


def endpoint_jobs(kind):
    return lambda wildcards: [
        f"<results>/sets/{wildcards.set}/endpoints/{job}.{kind}"
        for job in CONFIG.jobs[wildcards.set]
    ]


def every_method(pattern):
    """One job's file of each method in one of the folders of a set."""
    return expand(f"<results>/sets/{{set}}/{pattern}", method=CONFIG.methods, allow_missing=True)


def all_jobs(pattern):
    """Every job's file in one of the folders of all sets, for every method."""
    methods = CONFIG.methods if "{method}" in pattern else [""]
    return [
        f"<results>/sets/{name}/{pattern.format(method=method, job=job)}"
        for name in CONFIG.sets
        for method in methods
        for job in CONFIG.jobs[name]
    ]


def all_endpoints(kind):
    return [f"<results>/sets/{name}/endpoints.{kind}" for name in CONFIG.sets]


def figures():
    return [
        f"<results>/figures/{name}.{kind}" for name in FIGURES for kind in ("pdf", "png", "svg")
    ]


def table_captions(wildcards):
    """For the main tables; their module costs imports that no other job needs."""
    from mepbench.reporting.wording import CAPTIONS

    return {name: rst_text(CAPTIONS[name]) for name in MAIN_TABLES}


def whole_report():
    """What a run ends with, beside its tables of runs."""
    if not CONFIG.report:
        return []
    return ["<results>/report/index.html", "<results>/tables/summary.csv", *figures()]


def shipped_reference(wildcards):
    """The read-only references of a set, and their IRCs, if it ships with any."""
    file = CONFIG.references.get(wildcards.set)
    return [] if file is None else [str(file), str(irc_file(file))]


def shipped_references():
    files = sorted({*CONFIG.references.values()})
    return [str(part) for file in files for part in (file, irc_file(file))]


def surface_code():
    solvers = [file for method in CONFIG.methods.values() for file in solver_files(method)]
    used = [plugin_files("guesses", method.guess) for method in CONFIG.methods.values()]
    guesses = [file for files in used for file in files]
    return code_digest(PACKAGE / "solving" / "surface.py", *solvers, *guesses)
