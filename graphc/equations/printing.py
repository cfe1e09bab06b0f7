"""Expressions and systems as the user would type them: for messages, `repr` and debug output."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder
from graphc.equations.ops import OWN, SIGNS, arguments_of

if TYPE_CHECKING:
    from graphc.equations.system import Equation, System, Term

_INFIX = {
    "add": ("+", 4), "sub": ("-", 4), "floordiv": ("//", 5), "mod": ("%", 5), "mul": ("*", 6), "div": ("/", 6),
    "lt": ("<", 3), "le": ("<=", 3), "gt": (">", 3), "ge": (">=", 3), "eq": ("==", 3), "ne": ("!=", 3),
    "and": ("&", 2), "or": ("|", 2), "pow": ("**", 8),
}  # fmt: skip
_ATOM = 9
FAR = 2**43  # no array has so many elements
AsWritten = Mapping[Read, tuple[object, int]]  # how a read was written, and with how many subscripts


def show(e: Expr) -> str:
    """`e` in the notation of the language."""
    done: dict[Expr, tuple[str, int]] = {}
    for node in postorder(e):
        done[node] = _node(node, done)
    return done[e][0]


def _node(node: Expr, done: dict[Expr, tuple[str, int]]) -> tuple[str, int]:
    def child(e: Expr, least: int) -> str:
        text, level = done[e]
        return text if level >= least else f"({text})"

    match node:
        case Const(value=Fraction()):
            return str(node.value), 6
        case Const():
            text = repr(node.value)
            return text, _ATOM if not text.startswith("-") else 7
        case Size(name=name) | Index(name=name):
            return name, _ATOM
        case Read():
            subs = ", ".join(done[s][0] for s in node.subs)
            return (f"{node.tensor.name}[{subs}]" if node.subs else node.tensor.name), _ATOM
        case Op(name=name, args=(a, b)) if name in _INFIX:
            sign, level = _INFIX[name]
            return f"{child(a, level)} {sign} {child(b, level + (name != 'add' and name != 'mul'))}", level
        case Op(name="neg", args=(a,)):
            return "-" + child(a, 7), 4
        case Op(name="toint") if (whole := rounded(node)) is not None:
            return done[whole]
        case Op(name=name) if name.startswith(OWN):
            return f"{name.removeprefix(OWN)}({', '.join(done[a][0] for a in arguments_of(node))})", _ATOM
        case Op():
            return f"{node.name}({', '.join(done[a][0] for a in node.args)})", _ATOM
    return object.__repr__(node), _ATOM  # what only the front end uses


def rounded(e: Expr) -> Expr | None:
    """The `floor(d[t])` that was made an integer, with numbers that are no place for what 64 bits do not hold."""
    match e:
        case Op(
            name="toint",
            args=(
                Op(
                    name="select",
                    args=(Op(name="lt", args=(whole, Const())), Op(name="select", args=(_, held, Const())), Const()),
                ),
            ),
        ) if whole is held:
            return whole
    return None


def no_place(sub: Expr, value: int) -> str:
    """What to say of a subscript that is so far outside that it was rounded from no number: where it comes from."""
    found = [repr(whole) for e in postorder(sub) if (whole := rounded(e)) is not None]
    return f": {' or '.join(found)} is NaN, infinite or too large" if found and abs(value) > FAR else ""


def as_text(read: Read) -> str:
    """A read that no one wrote so."""
    subs = ", ".join(repr(s).replace(" ", "") for s in read.subs)
    return f"{read.tensor.name}[{subs}]" if read.subs else read.tensor.name


def show_term(term: Term, name: str, reduce: str) -> str:
    """`name[write] += value    for {domain}`."""
    subs = f"[{', '.join(map(show, term.write))}]" if term.write else ""
    return f"{name}{subs} {SIGNS[reduce]} {show(term.value)}    for {term.domain!r}"


def show_equation(eq: Equation) -> str:
    return "\n".join(show_term(t, eq.tensor.name, eq.reduce) for t in eq.terms)


def show_system(system: System) -> str:
    return "\n".join(show_equation(eq) for eq in system.equations)
