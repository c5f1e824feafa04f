"""From how many reactions on a table or a figure says anything: with fewer it is left out.

Six, where methods are compared: an exact two-sided test of fewer can't be significant
(2/2^5 > 0.05), and percentiles of a bootstrap are too narrow. Ten, where features of reactions
are. Three, where a distribution over reactions is drawn. What describes single runs is never
left out.
"""

import pandas as pd

COMPARED, DESCRIBED, DRAWN = 6, 10, 3
NEEDED = {
    "intervals": COMPARED,
    "pairwise": COMPARED,
    "virtual_best": COMPARED,
    "profiles": COMPARED,
    "performance_profile": COMPARED,
    "ranks": COMPARED,
    "hardness": DESCRIBED,
    "accuracy": DRAWN,
    "barrier_error": DRAWN,
    "saddle_error": DRAWN,
    "solved": DRAWN,
    "tangency": DRAWN,
    "tangency_cost": DRAWN,
}
OF_METHODS = {"pairwise", "virtual_best", "ranks", "performance_profile"}  # nothing of a single one


def counts(runs: pd.DataFrame) -> dict[str, int]:
    """Return the number of reactions of each set.

    Parameters
    ----------
    runs : those that count, `figures.Results.judged`
    """
    return runs.drop_duplicates(["set", "reaction"]).groupby("set", sort=False).size().to_dict()


def lacking(name: str, reactions: int, methods: int) -> str:
    """Say why a table or a figure is left out; "" where there is enough for it."""
    if name in OF_METHODS and methods < 2:
        return "it compares methods, and there is one"
    needed = NEEDED.get(name, 0)
    return f"it needs {needed} reactions or more" if reactions < needed else ""
