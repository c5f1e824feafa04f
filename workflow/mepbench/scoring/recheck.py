"""Do the shipped references stand before the judge of today?

Each stored saddle is converged to smaller forces than a run asks for, then refined and judged as
a run's would be. It stands if it is `intended` and has not moved: what was converged loosely on a
flat surface, or sits on a saddle of higher order from which the refinement goes down, has. One
that does not stand is replaced by what it became, where that is intended, whether its barrier is
lower or higher; else it is withdrawn, and the next run's best is taken (`reference.update`).
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as File

import numpy as np
from ase import Atoms

from ..errors import BudgetExhausted, InputError, SCFFailure
from ..files.frames import as_read, frame
from ..judging.verify import refine_and_judge
from ..oracle import Oracle, PotentialSpec
from ..path import Path, Peak, rmsd
from ..reaction import SHIPPED, Reaction
from ..registry import load
from .reference import SPIN, read, write

REFINER = "sella"
ANEW = ", refined anew"
TIGHT = 1e-3  # eV/angstrom: on a mode of 0.03 eV/angstrom^2 within 0.03 angstrom of the saddle
MOVED, HEIGHT = 0.05, 1e-3  # angstrom (RMSD), eV: what moved by less is the same saddle
UNDECIDED = ("error", "scf-failure")  # says nothing against what is stored
BUDGET = 200  # evaluations of each of the two refinements


@dataclass(frozen=True)
class Rechecked:
    """What the judge of today says of one stored saddle.

    Attributes
    ----------
    verdict, reason : of what it is refined to; nothing else is ever `intended`
    moved : angstrom, RMSD from the stored saddle to that
    change : eV, of its barrier
    saddle, irc : frames of what it is refined to; None and none where that is not intended
    """

    verdict: str
    reason: str
    moved: float = np.nan
    change: float = np.nan
    saddle: Atoms | None = None
    irc: list[Atoms] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        """Whether the stored saddle is what it says."""
        return self.verdict == "intended" and self.moved < MOVED and abs(self.change) < HEIGHT

    def __str__(self) -> str:
        if self.verdict in UNDECIDED:
            return f"could not be judged ({self.verdict}: {self.reason})"
        if self.verdict != "intended":
            return f"{self.verdict}: {self.reason}"
        return f"its saddle lies {self.moved:.2f} A away and {1e3 * self.change:+.1f} meV"


def recheck(known: dict[str, Atoms], potential: PotentialSpec) -> Rechecked:
    """Refine and judge one stored reference.

    Parameters
    ----------
    known : its frames by role: reactant, product, ts
    potential : that of the references
    """
    ends, stored = (known["reactant"], known["product"]), known["ts"]
    charge, multiplicity = (int(ends[0].info.get(key, or_else)) for key, or_else in SPIN)
    reaction = Reaction(
        ends[0].info["reaction"],
        ends[0].numbers,
        *(atoms.positions for atoms in ends),
        charge=charge,
        multiplicity=multiplicity,
        set=ends[0].info.get("set", ""),
        energies=np.array([atoms.get_potential_energy() for atoms in ends]),
        gradients=np.array([-atoms.get_forces() for atoms in ends]),
    )
    peak, oracle = Peak(stored.positions), Oracle(potential.of(reaction), reaction, BUDGET)
    with suppress(BudgetExhausted, SCFFailure):  # then the stored one is judged
        peak = load("refiners", REFINER)(reaction, oracle, peak, 0, fmax=TIGHT)
    trajectory = Path(peak.position[None], is_path=False)
    judged = refine_and_judge(reaction, trajectory, peak, REFINER, potential, BUDGET, 0)
    found = judged.judgement
    if judged.verdict != "intended":
        return Rechecked(judged.verdict, judged.reason)
    saddle, barrier = judged.saddle, judged.saddle.energy - reaction.energies[0]
    about = {key: stored.info[key] for key in ("set", "reaction", "role", "potential")}
    about |= {"charge": charge, "multiplicity": multiplicity}
    about["source"] = stored.info["source"].removesuffix(ANEW) + ANEW
    now = as_read(
        frame(
            reaction.numbers,
            saddle.position,
            energy=saddle.energy,
            gradient=saddle.gradient,
            arrays={"mode": found.mode},
            **about,
            barrier_eV=barrier,
            imaginary_frequency_cm=found.imaginary_frequency_cm,
            eigenvalues=np.round(found.eigenvalues[:3], 6),
            backend=potential.of(reaction).backend,
        )
    )
    along = zip(found.irc, found.irc_energies, strict=True)
    irc = [
        as_read(
            frame(
                reaction.numbers, x, energy=energy, reaction=reaction.name, source=about["source"]
            )
        )
        for x, energy in along
    ]
    moved = rmsd(saddle.position, stored.positions)
    change = saddle.energy - stored.get_potential_energy()
    return Rechecked("intended", judged.reason, moved, change, now, irc)


def released() -> list[File]:
    """Return all files of references that ship.

    Raises
    ------
    InputError
        if there are none.
    """
    files = sorted((SHIPPED / "references").glob("*/*.xyz"))
    files = [file for file in files if not file.stem.endswith(".irc")]
    if not files:
        raise InputError(f"{SHIPPED / 'references'}: no references ship")
    return files


def recheck_file(
    file: File, reactions: Collection[str] = (), *, update: bool = False
) -> Iterator[str]:
    """Recheck a file of references; yield a line on each that does not stand.

    Parameters
    ----------
    file : in a folder named after its Hamiltonian
    reactions : only these; all if there are none
    update : replace or withdraw what does not stand, once all are done

    Raises
    ------
    InputError
        if it is not the released file.
    """
    potential = PotentialSpec.at(file.parent.name)
    known, ircs = read(file)
    changed = False
    for name, group in known.items():
        if "ts" not in group or (reactions and name not in reactions):
            continue
        found = recheck(group, potential)
        if found.stands:
            continue
        yield f"{name}: {found}"
        if found.verdict in UNDECIDED:
            continue
        changed = True
        group.pop("ts"), ircs.pop(name, None)
        if found.saddle is not None:
            group["ts"], ircs[name] = found.saddle, found.irc
    if update and changed:
        write(file, known, ircs)
