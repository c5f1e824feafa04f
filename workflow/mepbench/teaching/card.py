"""What is to be said of taught weights: facts, the model card, the figure of the training."""

from pathlib import Path

import numpy as np

from ..learned.network import Ensemble
from ..oracle import PotentialSpec
from .lessons import Lesson, of_use
from .training import measured

RIVAL = PotentialSpec("xtb-python", {"method": "GFN1-xTB"})
CARD = """# A network potential taught GFN2-xTB

* **What**: {members} equivariant networks, {parameters} parameters in all; energies up to a
  constant of the composition, forces by automatic differentiation. A prior of saddle searches, no
  more.
* **Taught by**: energies and gradients of GFN2-xTB alone, at {geometries} geometries of {reactions}
  reactions: the ends that were given, and what lies between. No transition state, no reference
  path.
* **Cost**: {evaluations} evaluations, {hours_training} hours of training.
* **Limits**: neutral singlets of the elements that were taught; elsewhere it is not asked.
* **Licence**: MIT, as mepbench.

Mean errors on {held_out_reactions} reactions none of whose molecules (of five atoms and more)
was taught:

| surface | force on an atom, eV/A | energy within a reaction, eV |
| --- | ---: | ---: |
{errors}
"""


def facts(
    ensemble: Ensemble, taught: list[Lesson], held_out: list[Lesson], log: list[dict]
) -> dict:
    """Return plain values: what was taught and paid, and errors on what was held out.

    Paid are also lessons that are of no use.

    Errors are means over atoms (forces, eV/angstrom) and geometries (energies less their mean
    within a reaction, eV), over reactions; of the ensemble, of its first member alone, and of
    GFN1-xTB at the same geometries.
    """
    single = Ensemble(ensemble.shape, 0)
    single.members.append(ensemble.members[0])
    learned = of_use(taught)
    return {
        "reactions": len({lesson.name for lesson in learned}),
        "geometries": sum(map(len, learned)),
        "evaluations": sum(lesson.paid for lesson in taught),
        "hours_training": round(sum(row["seconds"] for row in log) / 3600, 3),
        "parameters": sum(p.numel() for p in ensemble.parameters()),
        "members": len(ensemble.members),
        "held_out_reactions": len(held_out),
        "errors": {
            "ensemble": measured(ensemble, held_out),
            "one member": measured(single, held_out),
            "GFN1-xTB": rival_errors(held_out),
            "no force": errors(held_out, lambda q: (0 * q.energies, 0 * q.gradients)),
        },
    }


def rival_errors(lessons: list[Lesson]) -> tuple[float, float]:
    """Errors of GFN1-xTB against GFN2-xTB, as `facts` has them."""
    return errors(lessons, lambda q: RIVAL.load(q.numbers, 0, 1).evaluate(q.positions))


def errors(lessons: list[Lesson], surface) -> tuple[float, float]:
    """Errors of a function of a lesson that returns energies and gradients, as in `facts`."""
    found = []
    for lesson in lessons:
        energies, gradients = surface(lesson)
        off = energies - lesson.energies
        force = np.linalg.norm(gradients - lesson.gradients, axis=2).mean()
        found.append((force, np.abs(off - off.mean()).mean()))
    force, energy = np.mean(found, axis=0) if found else (np.nan, np.nan)
    return float(force), float(energy)


def write(folder: Path, facts: dict, log: list[dict]) -> None:
    """Write the model card, README.md, and the figure of the training, log.png and log.pdf."""
    rows = [f"| {name} | {f:.3f} | {e:.3f} |" for name, (f, e) in facts["errors"].items()]
    text = CARD.format(**{**facts, "errors": "\n".join(rows)})
    (folder / "README.md").write_text(text, encoding="utf-8")
    figure(folder, log)


def figure(folder: Path, log: list[dict]) -> None:
    """Draw the force error on held-out reactions against epochs, a line a member."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(figsize=(3.3, 2.6), layout="constrained")
    for key in dict.fromkeys((row["round"], row["taught"], row["member"]) for row in log):
        rows = [r for r in log if (r["round"], r["taught"], r["member"]) == key]
        label = f"round {key[0]}, {key[1]} reactions, member {key[2]}"
        axes.plot([r["epoch"] for r in rows], [r["force_error"] for r in rows], label=label)
    axes.set(xlabel="epoch", ylabel="error of a force, held out (eV/Å)", yscale="log")
    axes.legend(fontsize=5)
    for suffix in ("png", "pdf"):
        fig.savefig(folder / f"log.{suffix}", dpi=200)
    plt.close(fig)
