"""The file an ensemble is in: tensors and text in safetensors, a checksum beside it.

Nothing in such a file is ever run: it is numbers and their shapes, not a pickle.
"""

import json
from dataclasses import asdict
from pathlib import Path

from ..errors import InputError
from ..files.checksums import verify, write_sums

VERSION = "2"
REMEDY = "Restore it, or teach anew (`make train`)"


def save(file: Path, ensemble, card: dict) -> None:
    """Write an `Ensemble`, what is to be said of it (plain values), and the checksum."""
    from safetensors.torch import save_file

    shape = json.dumps(asdict(ensemble.shape))
    members = str(len(ensemble.members))
    about = {"version": VERSION, "shape": shape, "members": members, "card": json.dumps(card)}
    save_file(ensemble.members.state_dict(), file, metadata=about)
    file.chmod(0o644)  # safetensors' are for their owner alone
    write_sums(file)


def described(file: Path) -> dict[str, str]:
    """Return what a file says of itself.

    Raises
    ------
    InputError
        in one sentence, if it is missing, not what was released, or of another version.
    """
    from safetensors import SafetensorError, safe_open

    verify(file, remedy=REMEDY)
    try:
        with safe_open(file, framework="numpy") as opened:
            about = opened.metadata() or {}
    except SafetensorError as error:
        raise InputError(f"{file}: is no file of weights ({error}). {REMEDY}.") from None
    if about.get("version") != VERSION:
        raise InputError(
            f"{file}: its weights are of version {about.get('version')}, this mepbench reads "
            f"{VERSION}. {REMEDY}."
        )
    return about


def load(file: Path) -> tuple:
    """Return the `Ensemble` in a file, and what is said of it.

    Raises
    ------
    InputError
        as `described`, and if its tensors are not of the shape it states.
    """
    from safetensors.torch import load_file

    from .network import Ensemble, Shape

    about, tensors = described(file), load_file(file)
    try:
        shape = json.loads(about["shape"])
        shape = Shape(**{k: tuple(v) if isinstance(v, list) else v for k, v in shape.items()})
        ensemble = Ensemble(shape, int(about["members"]))
        card = json.loads(about["card"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: does not say what it holds ({error!r}). {REMEDY}.") from None
    wanted = ensemble.members.state_dict()
    for name in sorted(wanted.keys() | tensors.keys()):
        found, asked = (
            tuple(of[name].shape) if name in of else "missing" for of in (tensors, wanted)
        )
        if found != asked:
            raise InputError(f"{file}: {name} is {found}, its shape asks for {asked}. {REMEDY}.")
    ensemble.members.load_state_dict(tensors)
    return ensemble, card
