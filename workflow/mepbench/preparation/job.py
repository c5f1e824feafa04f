"""The prepare job: endpoints of some reactions, relaxed, aligned and checked."""

from functools import partial

from ..files.columns import ENDPOINT_COLUMNS
from ..files.frames import frame
from ..jobs.joblog import log
from ..jobs.tasks import FRAMES, do
from ..jobs.worker import WorkerError
from ..reaction import read_set
from .prepare import Prepared, prepare


def prepare_job(
    set_name, spec, reactions, potential, worker, outputs, journal, **how: bool
) -> None:
    """Relax, align and check the endpoints of some reactions of a set.

    `outputs` names the files `frames` and `rows`; `how` is for `prepare`.
    """

    def work(entry) -> dict:
        log(f"prepare {entry.name!r}")
        try:
            prepared = worker.run(partial(prepare, **how), entry, potential.load)
        except WorkerError as error:
            prepared = Prepared(entry, error.verdict, str(error))
        ends = [] if prepared.reaction is None else endpoint_frames(prepared.reaction)
        return {"frames": ends, "rows": [prepared.row()]}

    entries = read_set(set_name, spec, only=set(reactions))
    tasks = ((entry.name, lambda entry=entry: work(entry)) for entry in entries)
    do(tasks, {"frames": FRAMES, "rows": ENDPOINT_COLUMNS}, outputs, journal)


def endpoint_frames(reaction) -> list:
    """Return the two frames of a prepared reaction in `endpoints.xyz`."""
    return [
        frame(
            reaction.numbers,
            reaction.ends[i],
            energy=reaction.energies[i],
            gradient=reaction.gradients[i],
            set=reaction.set,
            reaction=reaction.name,
            role=role,
            **reaction.state,
        )
        for i, role in enumerate(("reactant", "product"))
    ]
