"""How a name is shown: `s_sum`, `alpha`, `y_hat`, `dW`, `s_0` as LaTeX and as runs of styled text.

A name is a base with accents and marks. Marks stand above (`s_0` is s with (0), as the books write a step), since the
place below is the subscripts'.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile

_NAMES = """alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau upsilon phi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega lambda lamda"""
_GREEK = dict(zip(_NAMES.split(), "αβγδεζηθικμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩλλ", strict=True))
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308"}
Run = tuple[str, str]  # (text, style): style is "italic", "upright" or "super"


@dataclass(frozen=True)
class Name:
    """`differentials` d's, then `base` under `accents`, with `marks` above."""

    base: str
    differentials: int = 0
    accents: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


def parse(name: str, known: Collection[str] = ()) -> Name:
    """Take a name apart. `known`: the other names, for `dloss` is a differential only where there is a `loss`."""
    differentials = len(list(takewhile(lambda k: _is_differential(name[k:], known), range(len(name)))))
    first, *rest = [p for p in name[differentials:].split("_") if p] or [name]
    accents = tuple(p for p in rest if p in _ACCENTS)
    marks = [p for p in rest if p not in _ACCENTS]
    numbered = re.fullmatch(r"(.*?[A-Za-z])(\d+)", first)
    if numbered and f"{numbered.group(1)}_{numbered.group(2)}" not in known:
        first, number = numbered.groups()
        marks.insert(0, number)
    if marks and f"{name[: -len(marks[-1])]}0" in known:  # among s_0, s_1, .. is s_m1 step -1
        marks[-1] = re.sub(r"^m(\d+)$", r"-\1", marks[-1])
    return Name(first, differentials, accents, tuple(marks))


def _is_differential(name: str, known: Collection[str]) -> bool:
    """Whether the first letter of `name` is the d of a differential: of a letter, of a Greek one or of a known name."""
    if not name.startswith("d") or len(name) < 2:
        return False
    inner = name[1:]
    base = re.sub(r"\d+$", "", inner.split("_")[0])
    return inner in known or len(base) == 1 or base in _GREEK or _is_differential(inner, known)


def latex_name(name: str, known: Collection[str] = (), *, below: bool = False) -> tuple[str, bool]:
    """The LaTeX of a name and whether something stands above it (then a power needs parentheses).

    `below`: marks may take the place of the subscripts, for a name without any (a size, an index).
    """
    bare = name.rstrip("'")
    parts = parse(bare, known)
    text = _latex_word(parts.base) + name[len(bare) :]
    for accent in parts.accents:
        text = rf"\{accent}{{{text}}}"
    text = r"\mathrm{d}" * parts.differentials + text
    if not parts.marks:
        return text, False
    if below:
        return f"{text}_{{{','.join(map(_latex_word, parts.marks))}}}", False
    return f"{text}^{{{','.join(_latex_mark(m) for m in parts.marks)}}}", True


def _latex_word(word: str) -> str:
    if word in _GREEK:
        return "\\" + word.replace("lamda", "lambda")
    return word if len(word) == 1 or word.isdigit() else rf"\mathrm{{{word}}}"


def _is_number(mark: str) -> bool:
    return mark.removeprefix("-").isdigit()


def _latex_mark(mark: str) -> str:
    return f"({mark})" if _is_number(mark) else rf"\mathrm{{{mark}}}"


def runs(name: str, known: Collection[str] = ()) -> list[Run]:
    """The name as runs of text, for a drawing."""
    parts = parse(name, known)
    base = _GREEK.get(parts.base, parts.base)
    found: list[Run] = [("d" * parts.differentials, "upright")] if parts.differentials else []
    accents = "".join(_ACCENTS[a] for a in parts.accents)
    found.append((base[0] + accents + base[1:], "italic" if len(base) == 1 else "upright"))
    if parts.marks:
        found.append((",".join(f"({m})" if _is_number(m) else m for m in parts.marks), "super"))
    return found


def split_step(name: str) -> tuple[str, int] | None:
    """`s_12` as ("s", 12), `s_m1` as ("s", -1): the base and the number at the end, if there is one."""
    found = re.fullmatch(r"(.+?)_(m?)(\d+)", name)
    return (found.group(1), int(("-" if found.group(2) else "") + found.group(3))) if found else None
