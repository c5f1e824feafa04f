#!/usr/bin/env bash
# What a user does who has no clone: the wheel in an empty environment, the commands in an empty
# folder. `tests/wheel.sh 3.11 3.12` does so with each Python that is there; one that can't be had
# is skipped and said to be. PYTHONS names the interpreters where they are not on the PATH.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH

interpreter() { # of a version, such as 3.12
  local found
  for found in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if "$found" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      echo "$found"
      return
    fi
  done
}

said() { # the command after the words must print them
  local words=$1 printed
  shift
  printed=$("$@" 2>&1) || { echo "$printed"; echo "FAILED: $*"; exit 1; }
  grep -qF -- "$words" <<< "$printed" || { echo "$printed"; echo "NOT SAID by $*: $words"; exit 1; }
  echo "ok: ${*##*/}"
}

made=""
for version in "$@"; do
  python=$(interpreter "$version")
  if [ -z "$python" ]; then
    echo "skipped: there is no Python $version here"
    continue
  fi
  if [ -z "$made" ]; then # sdist, and from it the wheel, as an index's user gets them
    "$python" -m venv "$work/build" && "$work/build/bin/pip" install build
    "$work/build/bin/python" -m build --outdir "$work/dist" "$repository" > /dev/null
    made=yes
  fi
  "$python" -m venv "$work/$version"
  if ! "$work/$version/bin/pip" install --constraint "$repository/envs/requirements.lock" \
      "$work"/dist/*.whl > "$work/pip.log" 2>&1; then
    tail -5 "$work/pip.log"
    grep -qiE "connection|timed out|temporary failure|no space left" "$work/pip.log" || exit 1
    echo "skipped: the packages for Python $version can't be fetched here"
    continue
  fi
  bin="$work/$version/bin"
  mkdir "$work/empty-$version" && cd "$work/empty-$version"
  "$bin/python" -m pip check
  printf '3\ncharge=0\nH 0 0 -1.07\nC 0 0 0\nN 0 0 1.15\n' > r.xyz
  printf '3\ncharge=0\nH 0 0 2.15\nC 0 0 0\nN 0 0 1.15\n' > p.xyz
  said intended "$bin/mepbench" run r.xyz p.xyz
  said learned-GFN2-xTB "$bin/mepbench" run r.xyz p.xyz --prior learned --output learned
  said "edit it" "$bin/mepbench" init
  sed -i 's/^select: .*/select: [hcn-isomerisation]/; /^  [a-z-]*: {solver: \(neb\|string\|gad\|neural\|retry\)/d' config.yaml
  said "ok: " "$bin/mepbench" check config.yaml
  said "hcn-isomerisation" "$bin/mepbench" run config.yaml --cores 2
  said "geodesic" "$bin/mepbench" show results
  said "profiles/slurm" "$bin/mepbench" profile slurm
  cat > mine.py << 'EOF'
"""The string method (E, Ren, Vanden-Eijnden, Phys. Rev. B 66, 052301 (2002), doi:10.1103/PhysRevB.66.052301)."""
from mepbench.methods import string


def solve(reaction, oracle, guess, seed):
    return string.solve(reaction, oracle, guess, seed)
EOF
  said "all claims hold" "$bin/mepbench" test-method ./mine.py
  "$bin/python" -c "
import pandas
runs = pandas.read_csv('results/runs.csv')
assert (runs.verdict == 'intended').all(), runs.verdict
backend, expected = set(runs.backend), 'xtb-python' if '$version' == '3.11' else 'tblite'
assert all(b.startswith(expected) for b in backend), backend
print('ok: Python $version,', *backend)"
done
