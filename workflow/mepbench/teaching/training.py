"""Training of one member: forces, and differences of energy within a reaction.

    L = < |f_i - f_i*| >  +  w < |(E - <E>) - (E* - <E*>)| >

f_i the force on an atom, <E> the mean over a reaction's geometries in the batch: only the shape of
the surface between a reaction's ends matters to a path, so no energy of a composition is taught.
Distances, not their squares: few geometries of a geodesic are far from all the others. Adam
(Kingma, Ba, ICLR (2015), doi:10.48550/arXiv.1412.6980), its rate warmed up and then lowered along
a cosine. What decides an epoch are the seed and its number alone, and after each one everything
that goes on is on the disk: a kill loses at most one epoch, and changes nothing.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..files.whole import whole
from ..learned.network import Ensemble, Shape, padded
from .lessons import Lesson

ENERGY_WEIGHT = 0.5  # angstrom
WARM_UP = 0.05  # of all steps
LONGEST = 5.0  # of the gradient of L
FLAT = 1e-8  # (eV/angstrom)^2 under the root, where it would have no derivative
SORTED_WITHIN = 32  # batches whose reactions are sorted by size, so that little is padded


@dataclass(frozen=True)
class Pace:
    """How fast a member is taught.

    Attributes
    ----------
    epochs, rate : passes over all lessons; the highest rate of Adam
    reactions, geometries : in a batch; of each of its reactions, at most
    """

    epochs: int = 40
    rate: float = 3e-3
    reactions: int = 4
    geometries: int = 10


def device() -> torch.device:
    """A GPU where torch finds one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def of_checkpoint(file: Path, shape: Shape) -> Ensemble:
    """Return the member of a checkpoint, as an ensemble of one.

    Raises
    ------
    InputError
        if it is missing, or no checkpoint of such a network.
    """
    member = Ensemble(shape, 1)
    if not _restored(file, member, torch.optim.Adam(member.parameters())):
        raise InputError(f"{file}: is missing. Remove the folder it should be in to teach anew.")
    return member


def taught(
    file: Path,
    shape: Shape,
    lessons: list[Lesson],
    held_out: list[Lesson],
    pace: Pace,
    seed: int,
    begin: Ensemble | None = None,
    told: Callable[[list[dict]], None] = lambda log: None,
) -> tuple[Ensemble, list[dict]]:
    """Teach a member, or go on where `file` says it was stopped; return it and its log.

    Parameters
    ----------
    file : its checkpoint, with Adam's moments
    held_out : what it is measured on after each epoch, never taught
    begin : an ensemble of one to go on from; a random one by default
    told : is handed the log after each epoch: epoch, seconds, loss, force and energy error
    """
    torch.manual_seed(seed)
    member = Ensemble(shape, 1).to(device())
    if begin is not None:
        member.load_state_dict(begin.state_dict())
    adam = torch.optim.Adam(member.parameters(), lr=pace.rate, betas=(0.9, 0.99))
    log = _restored(file, member, adam)
    for epoch in range(len(log), pace.epochs):
        start, losses = time.perf_counter(), []
        steps = batches(lessons, pace, (seed, epoch))
        for step, batch in enumerate(steps):
            for group in adam.param_groups:
                group["lr"] = pace.rate * schedule((epoch + step / len(steps)) / pace.epochs)
            loss = sum(errors(member, batch, training=True))
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(member.parameters(), LONGEST)
            adam.step()
            losses.append(float(loss.detach()))
        seconds = time.perf_counter() - start
        force, energy = measured(member, held_out)
        row = dict(epoch=epoch + 1, seconds=seconds, loss=float(np.mean(losses)))
        log.append(row | dict(force_error=force, energy_error=energy))
        _kept(file, member, adam, log)
        told(log)
    return member.cpu(), log


def schedule(done: float) -> float:
    """Share of the highest rate, at a share of all steps."""
    return min(done / WARM_UP, 0.5 * (1 + np.cos(np.pi * done))) + 1e-3


def batches(lessons: list[Lesson], pace: Pace, seed: tuple[int, ...]) -> list[list[Lesson]]:
    """Parts of lessons in a random order, those of about one size together."""
    rng = np.random.default_rng(seed)
    parts = []
    for lesson in lessons:
        count = -(-len(lesson) // pace.geometries)
        parts += map(lesson.of, np.array_split(rng.permutation(len(lesson)), count))
    order, size, found = rng.permutation(len(parts)), pace.reactions, []
    for at in range(0, len(order), size * SORTED_WITHIN):
        near = order[at : at + size * SORTED_WITHIN]
        near = sorted(near, key=lambda k: len(parts[k].numbers))
        found += [[parts[k] for k in near[i : i + size]] for i in range(0, len(near), size)]
    return [found[k] for k in rng.permutation(len(found))]


def errors(ensemble: Ensemble, batch: list[Lesson], training: bool = False):
    """Mean error of forces, eV/angstrom, and `ENERGY_WEIGHT` times that of energies, as tensors."""
    of = [lesson for lesson in batch for _ in range(len(lesson))]
    numbers, x = padded([lesson.numbers for lesson in of], [x for q in batch for x in q.positions])
    _, g = padded([lesson.numbers for lesson in of], [g for q in batch for g in q.gradients])
    one = next(ensemble.parameters())
    where, kind = one.device, one.dtype
    numbers, x, g = numbers.to(where), x.to(where, kind), g.to(where, kind)
    charges = torch.tensor([lesson.charge for lesson in of], device=where)
    energies, gradients = ensemble.energies_and_gradient(numbers, charges, x, training=training)
    force = (((gradients - g) ** 2).sum(-1)[numbers > 0] + FLAT).sqrt().mean()
    wanted = np.concatenate([lesson.energies - lesson.energies.mean() for lesson in batch])
    group = torch.repeat_interleave(torch.tensor([len(lesson) for lesson in batch])).to(where)
    energies = energies.mean(0)
    mean = torch.zeros(len(batch), dtype=kind, device=where).index_add(0, group, energies)
    mean = mean / torch.bincount(group)
    energy = (energies - mean[group] - torch.from_numpy(wanted).to(where, kind)).abs().mean()
    return force, ENERGY_WEIGHT * energy


def measured(ensemble: Ensemble, lessons: list[Lesson]) -> tuple[float, float]:
    """Mean errors of forces on atoms (eV/angstrom) and of energies within a reaction (eV)."""
    if not lessons:
        return float("nan"), float("nan")
    pairs = [errors(ensemble, [lesson]) for lesson in lessons]
    force, energy = np.mean([[float(part) for part in pair] for pair in pairs], axis=0)
    return float(force), float(energy) / ENERGY_WEIGHT


def _kept(file: Path, member: Ensemble, adam, log: list[dict]) -> None:
    from safetensors.torch import save_file

    tensors = {f"weights/{name}": tensor for name, tensor in member.state_dict().items()}
    for k, moments in adam.state_dict()["state"].items():
        tensors |= {f"adam/{k}/{name}": torch.as_tensor(value) for name, value in moments.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole(file) as unfinished:
        save_file(tensors, unfinished, metadata={"log": json.dumps(log)})


def _restored(file: Path, member: Ensemble, adam) -> list[dict]:
    from safetensors import SafetensorError, safe_open

    if not file.exists():
        return []
    moments: dict[int, dict] = {}
    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
            tensors = {name: opened.get_tensor(name) for name in names}
            log = json.loads(opened.metadata()["log"])
        weights = {n.removeprefix("weights/"): t for n, t in tensors.items() if n[0] == "w"}
        member.load_state_dict(weights)
    except (SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: is no checkpoint of such a network ({str(error).splitlines()[0]}). Remove "
            "it to begin anew."
        ) from None
    for name, tensor in tensors.items():
        if name.startswith("adam/"):
            _, k, moment = name.split("/")
            moments.setdefault(int(k), {})[moment] = tensor
    adam.load_state_dict({**adam.state_dict(), "state": moments})
    return log
