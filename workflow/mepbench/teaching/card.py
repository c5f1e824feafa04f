"""What is to be said of taught weights: facts, the model card, the figure of the training."""

from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ..errors import SCFFailure
from ..learned.network import Ensemble
from ..oracle import PotentialSpec
from .lessons import Lesson, read_of_use
from .training import measured

HELD_OUT, ANALOGUES, LED = KINDS = "held out", "analogues", "where it leads"
RIVAL = PotentialSpec("xtb-python", {"method": "GFN1-xTB"})
CARD = """# A network potential taught GFN2-xTB

* **What**: {members} equivariant networks, {parameters} parameters in all; energies up to a
  constant of the composition, forces by automatic differentiation. A prior of saddle searches and
  what leads their guesses down, no more.
* **Taught by**: energies and gradients of GFN2-xTB alone, at {geometries} geometries of {reactions}
  reactions and {analogues} analogues of them with other elements or charges: their ends, and what
  lies between. No transition state, no reference path.
* **Cost**: {evaluations} evaluations, {hours_training} hours of training.
* **Limits**: singlets of {elements}, charges {charges}; elsewhere it is not asked.
* **Licence**: MIT, as mepbench.

Mean errors on reactions none of whose molecules (of five atoms and more) was taught,
{given} of those that were given and {made} of their analogues; of a force on an atom, eV/A, and of
an energy within a reaction, eV. *Where it leads* are the tops of the paths to which these
weights lead the former.

{errors}
"""


def facts(
    ensemble: Ensemble,
    taught: list[Path],
    held_out: dict[str, list[Lesson]],
    log: list[dict],
    paid: int,
) -> dict:
    """Return plain values: what was taught and paid, and errors on what was held out.

    Paid are also lessons that are of no use, and analogues that were left out.

    Errors are means over atoms (forces, eV/angstrom) and geometries (energies less their mean
    within a reaction, eV), over reactions, by kind of what is held out; of the ensemble, of its
    first member alone, and of GFN1-xTB at the same geometries.
    """
    single = Ensemble(ensemble.shape, 0)
    single.members.append(ensemble.members[0])
    learned = read_of_use(taught)
    surfaces = {
        "ensemble": partial(measured, ensemble),
        "one member": partial(measured, single),
        "GFN1-xTB": rival_errors,
        "no force": partial(errors, surface=lambda q: (0 * q.energies, 0 * q.gradients)),
    }
    return {
        "reactions": len({file.name for file in taught if not _is_analogue(file)}),
        "analogues": sum(map(_is_analogue, taught)),
        "geometries": sum(map(len, learned)),
        "evaluations": paid,
        "hours_training": round(sum(row["seconds"] for row in log) / 3600, 3),
        "parameters": sum(p.numel() for p in ensemble.parameters()),
        "members": len(ensemble.members),
        "elements": [chemical_symbols[z] for z in ensemble.shape.elements],
        "charges": list(ensemble.shape.charges),
        "held_out": {kind: len(lessons) for kind, lessons in held_out.items()},
        "errors": {
            name: {kind: of(lessons) for kind, lessons in held_out.items()}
            for name, of in surfaces.items()
        },
    }


def _is_analogue(file: Path) -> bool:
    return file.parent.name == "lessons-analogues"


def rival_errors(lessons: list[Lesson]) -> tuple[float, float]:
    """Errors of GFN1-xTB against GFN2-xTB, as `facts` has them, where it has an energy."""
    return errors(lessons, rival)


def rival(lesson: Lesson) -> tuple[np.ndarray, np.ndarray]:
    """Return energies and gradients of GFN1-xTB; NaN where it has none."""
    potential = RIVAL.load(lesson.numbers, lesson.charge, 1)
    energies, gradients = np.full_like(lesson.energies, np.nan), 0 * lesson.gradients + np.nan
    for k, x in enumerate(lesson.positions):
        with suppress(SCFFailure):
            (energies[k],), (gradients[k],) = potential.evaluate(x[None])
    return energies, gradients


def errors(lessons: list[Lesson], surface) -> tuple[float, float]:
    """Errors of a function of a lesson that returns energies and gradients, as in `facts`."""
    found = []
    for lesson in lessons:
        energies, gradients = surface(lesson)
        off = energies - lesson.energies
        force = np.nanmean(np.linalg.norm(gradients - lesson.gradients, axis=2))
        found.append((force, np.nanmean(np.abs(off - np.nanmean(off)))))
    force, energy = np.mean(found, axis=0) if found else (np.nan, np.nan)
    return float(force), float(energy)


def write(folder: Path, facts: dict, log: list[dict]) -> None:
    """Write the model card, README.md, and the figure of the training, log.png and log.pdf."""
    heads = [f"{what}, {kind}" for kind in KINDS for what in ("force", "energy")]
    rows = [["surface", *heads], ["---", *("---:" for _ in heads)]]
    for name, by_kind in facts["errors"].items():
        pairs = (by_kind.get(kind, (np.nan, np.nan)) for kind in KINDS)
        rows.append([name, *(f"{error:.3f}" for pair in pairs for error in pair)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    given, made = (facts["held_out"].get(kind, 0) for kind in (HELD_OUT, ANALOGUES))
    said = {key: ", ".join(map(str, facts[key])) for key in ("elements", "charges")}
    text = CARD.format(**{**facts, **said, "errors": table}, given=given, made=made)
    (folder / "README.md").write_text(text, encoding="utf-8")
    figure(folder, log)


def figure(folder: Path, log: list[dict]) -> None:
    """Draw the force error on held-out reactions against epochs, a line a member."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(figsize=(3.3, 2.6), layout="constrained")
    for key in dict.fromkeys((row["round"], row["taught"], row["member"]) for row in log):
        rows = [r for r in log if (r["round"], r["taught"], r["member"]) == key]
        label = f"round {key[0]}, {key[1]} lessons, member {key[2]}"
        axes.plot([r["epoch"] for r in rows], [r["force_error"] for r in rows], label=label)
    axes.set(xlabel="epoch", ylabel="error of a force, held out (eV/Å)", yscale="log")
    axes.legend(fontsize=5)
    for suffix in ("png", "pdf"):
        fig.savefig(folder / f"log.{suffix}", dpi=200)
    plt.close(fig)
