"""Where that lies which ships beside the code: Snakefile, config.yaml, rules, sets, figures.

In the repository that is its top; a wheel holds the same tree, under the same names, in
`mepbench/shipped` (pyproject.toml says which files). So a path within it is the same in both.
"""

from importlib.resources import files
from pathlib import Path


def _root() -> Path:
    package = Path(str(files("mepbench")))
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parents[1]


ROOT = _root()
WORKFLOW = ROOT / "workflow"
