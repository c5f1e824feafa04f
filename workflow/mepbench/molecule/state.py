"""Charge and multiplicity as people write them: understood, or refused by name, never guessed.

| written | means |
| --- | --- |
| `charge=-1`, `Charge: -1`, `chrg -1`, `chg=-1`, `total_charge = 1-`, `q=-1` | charge |
| `multiplicity=3`, `mult: 3`, `Spin multiplicity 3`, `2S+1 = 3` | multiplicity |
| `spin=3` | multiplicity, as FAIRChem has it |
| `uhf=2`, `unpaired electrons: 2` | two unpaired electrons (xTB's word): multiplicity 3 |
| `0 3`, alone in a line; `charge/multiplicity: 0 3` | both (Gaussian's and ORCA's order) |

Words without a number are text (`no net charge`, `charge transfer`, `spin-orbit`), and so are the
values of other keys. What assigns something else to one of these keys, as `mult = x`, or names a
number in words, as `Multiplicity three`, is an error. `q` counts with a whole number only, and
`uhf` not with a broken one, since these also stand for coordinates and energies.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ..errors import BadEndpoints

DEFAULT = {"charge": 0, "multiplicity": 1}
_WHOSE = r"(?:total|tot|net|overall|global|molecular|molecule|mol|system|sys|electronic|ionic|ion)"
_UNPAIRED = r"uhf|n?[ _-]?unpaired(?:[ _-]electrons)?"
_MULTIPLICITY = rf"(?:(?:spin|{_WHOSE})[ _.-]?){{0,2}}mult(?:iplicity)?|2s\+1"
_CHARGE = rf"(?:{_WHOSE}[ _.-]?){{0,2}}charge(?:[ _-]state)?|chrg|chg"
_KEY = rf"(?:{_UNPAIRED}|{_MULTIPLICITY}|{_CHARGE}|spin(?:[ _-]state)?|q)"
_MENTION = re.compile(r"charge|chrg|chg|mult|spin|uhf|unpaired|2s\+1|\bq\b", re.IGNORECASE)
_UNIT = r"(?: ?[(\[][^()\[\]]{0,20}[)\]])?"  # charge (e) = 1
_SAID = re.compile(
    rf"(?<!\w)(?P<key>{_KEY})(?!\w)"
    rf"(?:\.?[\"']?{_UNIT} ?(?P<assigned>==?|:) ?|[\"']? (?:(?:is|was|of|equals) )?)[\"'{{\[(]? ?"
    r"(?P<value>[+-] \d+|(?:[^\s,;|(){}\[\]\"']|,(?=\d))*)",
    re.IGNORECASE,
)
_BOTH = re.compile(
    rf"(?<!\w)(?:{_CHARGE}) ?(?:[,/&]|\band\b| ) ?(?:{_MULTIPLICITY}) ?[=:]? ?"
    r"(?P<charge>[+-]?\d{1,3})[ ,/]{1,2}(?P<multiplicity>\d{1,3})(?![\w.])",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?P<charge>[+-]?\d{1,3})(?: ?, ?| )(?P<multiplicity>\d{1,3})")
_OTHERS = re.compile(
    rf"(?<![\w+])(?!{_KEY}\.? ?=)[A-Za-z_][\w.-]{{0,60}} ?= ?"
    r"(?:\"(?:[^\"\\]|\\.){0,4000}\"|'[^']{0,4000}'|\{[^{}]{0,4000}\}|"
    r"(?![\w.-]{1,60} ?=)(?:[^\s,;]|,(?=\d))*)",
    re.IGNORECASE,
)
_OF_ATOMS = re.compile(
    r"(?:partial|atomic|point|nuclear|core|effective|formal|mulliken|hirshfeld|l\w+wdin|bader|nbo|"
    r"npa|r?esp|chelpg|cm5)[ _-]+$",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>\d{1,3})(?:\.0*)?|(?P<before>\d{1,3})(?P<after>[+-])",
    re.ASCII,
)
_LIKE_A_NUMBER = re.compile(
    r"[+-]?\s*\d.*|none|neutral|(?:plus|minus|zero|one|two|three|four|five|six|seven)|"
    r"(?:sing|doub|trip)let|qu(?:art|int)et|s(?:ext|ept)et",
    re.IGNORECASE,
)
_WEAK = {"q": re.compile(r"(?![+-]?\d{1,2}$)"), "uhf": re.compile(r"[+-]?\d*\.\d*[1-9]")}


def said_in_text(text: str) -> dict[str, int]:
    """Return what a comment line says of `charge` and `multiplicity`.

    Raises
    ------
    BadEndpoints
        if it contradicts itself, or looks like a state and isn't understood.
    """
    text = " ".join(text.translate({0x2212: "-", 0x2013: "-"}).split())
    if alone := _ALONE.fullmatch(text):
        return {key: int(number) for key, number in alone.groupdict().items()}
    if not _MENTION.search(text):
        return {}
    return dict(_said(_OTHERS.sub(" ; ", text)))


@lru_cache(1024)
def _said(text: str) -> dict[str, int]:
    """Return what is said in words that are no values of other keys; the same in many frames."""
    said: dict[str, int] = {}
    for both in _BOTH.finditer(text):
        for key, number in both.groupdict().items():
            _add(said, key, int(number))
    text = _BOTH.sub(" ; ", text)
    for match in _SAID.finditer(text):
        key, value = match["key"].lower(), match["value"].rstrip(".")
        if _is_text(key, value, match["assigned"], text[: match.start()]):
            continue
        number = _whole(value)
        if number is None:
            raise _not_understood(match[0])
        _add(said, *_meaning(key, number))
    return said


def said_in_info(info: Mapping) -> dict[str, int]:
    """Return what the `info` of ASE's atoms says of `charge` and `multiplicity`.

    Raises
    ------
    BadEndpoints
        as for text. A boolean is no number: ASE reads `T` and a bare word as True.
    """
    said: dict[str, int] = {}
    for name, value in info.items():
        if not is_state_key(name) or value is None:
            continue
        key = str(name).rstrip(":").lower()
        if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise _not_understood(f"{name}={value!r}")
        text = f"{value:g}" if isinstance(value, float) else str(value).strip()
        if key in _WEAK and _WEAK[key].match(text):
            continue
        if (number := _whole(text)) is None:
            raise _not_understood(f"{name}={value!r}")
        _add(said, *_meaning(key, number))
    return said


def is_state_key(name: object) -> bool:
    """Whether a key of `info` is one of those that may say charge or multiplicity."""
    return isinstance(name, str) and re.fullmatch(_KEY + ":?", name, re.IGNORECASE) is not None


def settled(
    key: str,
    ends: Mapping[str, int | None],
    origin: str = "file",
    *,
    argument: int | None = None,
    calculator: tuple[str, int] | None = None,
    default: int | None = None,
) -> tuple[int | None, str]:
    """Return the one value of `key` that everybody agrees on, and where it comes from.

    Parameters
    ----------
    ends : what each end says, by its name; one that says nothing has the default, unless argument
        or calculator speak for it
    origin : what the ends are: "file" or "atoms"
    calculator : its name and its own value
    default : for other ends than those with the usual 0 and 1

    Raises
    ------
    BadEndpoints
        if two differ.
    """
    default = DEFAULT[key] if default is None else default
    said = {where: n for where, n in ends.items() if n is not None}
    where = origin if said else "default"
    if said and argument is None and calculator is None:
        said = {end: default if n is None else n for end, n in ends.items()}
    if calculator is not None:
        said[calculator[0]] = calculator[1]
        where = where if where == origin else "calculator"
    if argument is not None:
        said, where = {"argument": argument, **said}, "argument"
    if len(set(said.values())) > 1:
        silent = {end for end, n in ends.items() if n is None}
        places = " and ".join(
            f"{place} ({n}{', the default' if place in silent else ''})"
            for place, n in said.items()
        )
        raise BadEndpoints(f"{places} differ in {key}: give one {key} for all")
    return next(iter(said.values()), default), where


def origin_text(charge_from: str, multiplicity_from: str) -> str:
    """Return in words where charge and multiplicity come from, for a table's cell."""
    if charge_from == multiplicity_from:
        return charge_from
    return f"charge {charge_from}, multiplicity {multiplicity_from}"


def state_text(charge: int, multiplicity: int, state_from: str) -> str:
    """Return a state in words."""
    return f"charge {charge}, multiplicity {multiplicity} (from: {state_from})"


def _is_text(key: str, value: str, assigned: str | None, before: str) -> bool:
    if key in _WEAK and _WEAK[key].match(value):
        return True
    if _OF_ATOMS.search(before[-24:]):
        return True
    if assigned is None and (key in _WEAK or (key.startswith("spin") and "mult" not in key)):
        return key != "uhf" or not re.fullmatch(r"\d{1,2}", value)
    return assigned is None and not _LIKE_A_NUMBER.fullmatch(value)


def _whole(text: str) -> int | None:
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    if match["digits"]:
        return int(match["sign"] + match["digits"])
    return int(match["after"] + match["before"])


def _meaning(key: str, number: int) -> tuple[str, int]:
    if re.fullmatch(_CHARGE + "|q", key):
        return "charge", number
    return "multiplicity", number + bool(re.fullmatch(_UNPAIRED, key))


def _add(said: dict[str, int], key: str, number: int) -> None:
    if said.setdefault(key, number) != number:
        raise BadEndpoints(f"says {key} {said[key]} and {key} {number}: correct one")


def _not_understood(words: str) -> BadEndpoints:
    return BadEndpoints(
        f"{words[:60]!r} looks like a charge or multiplicity and is no whole number: write "
        "`charge=` and `multiplicity=` with one, or other words"
    )
