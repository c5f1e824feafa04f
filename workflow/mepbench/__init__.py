"""mepbench: an honest benchmark of methods that find minimum energy paths.

Units throughout: angstrom, electronvolt, eV/angstrom; seconds of wall clock.
"""

import importlib
import os

# xTB on small molecules is slower with threads, by up to 200 times; Snakemake provides the
# parallelism. These must be set before the first numerical library is loaded.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ.setdefault("OMP_STACKSIZE", "1G")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

__version__ = "0.1.0"


def __getattr__(name: str):
    """Import `find_saddle` when it is asked for: its imports are no part of `import mepbench`."""
    if name == "find_saddle":
        # By its name, since every job counts the files that this one imports as its inputs.
        return importlib.import_module(f"{__name__}.pair.saddle_search").find_saddle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
