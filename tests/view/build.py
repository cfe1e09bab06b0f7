"""Systems in the representation, from text: a term a line, `a[i] += W[i,j]*x[j] for 0 <= i < H, 0 <= j < H`."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, Size, as_expr, make
from graphc.equations.ops import OPS
from graphc.equations.system import Equation, System, Tensor, Term

SIGNS = {"=": "assign", "+=": "sum", "*=": "prod", "max=": "max", "min=": "min"}
COMPARE = {"<=": "le", "<": "lt", "=": "eq"}


def build(declared: str, equations: str) -> System:
    """`declared`: "input x T N; param W H H; tensor s T H; input p"."""
    tensors: dict[str, Tensor] = {}
    sizes: dict[str, Any] = {}
    for text in filter(None, map(str.strip, declared.split(";"))):
        role, name, *dims = text.split()
        role, _, kind = role.partition(":")
        for word in re.findall(r"[A-Za-z]\w*", " ".join(dims)):
            sizes[word] = Size(word)
        tensors[name] = Tensor(name, tuple(_expr(d, sizes) for d in dims), role, kind or "real")
    found: dict[str, tuple[str, list[Term]]] = {}
    for line in filter(None, map(str.strip, equations.strip().splitlines())):
        name, sign, term = _term(line, tensors, sizes)
        found.setdefault(name, (SIGNS[sign], []))[1].append(term)
    made = []
    for name, (reduce, terms) in found.items():
        defined = terms[0].domain.image(terms[0].write, tensors[name].dims)
        for t in terms[1:]:
            defined = defined | t.domain.image(t.write, tensors[name].dims)
        made.append(Equation(tensors[name], reduce, defined, tuple(terms)))
    return System(tuple(t for t in tensors.values() if t.given), tuple(made))


class _Subscripted:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __getitem__(self, subs: Any) -> Read:
        return Read(self.tensor, tuple(map(as_expr, subs if isinstance(subs, tuple) else (subs,))))


def _expr(text: str, scope: dict[str, Any]) -> Expr:
    functions = {f: partial(make, f) for f in OPS}
    text = re.sub(r"([A-Za-z]\w*|\([^()]*\)) ?// ?(\d+)", r"floordiv(\1, \2)", text)
    value = eval(text, {}, {**functions, **scope})
    return make("add", value, 0) if not isinstance(value, Expr) else value


def _term(line: str, tensors: dict[str, Tensor], sizes: dict[str, Any]) -> tuple[str, str, Term]:
    body, _, domain = line.partition(" for ")
    left, sign, right = re.split(r"\s((?:[+*]|max|min)?=)\s", body, maxsplit=1)
    indices: dict[str, Index] = {}
    conditions: list[Expr] = []
    ranges = re.split(r",\s*(?=[^,]*<)", domain) if domain else []
    words = re.findall(r"[A-Za-z]\w*", domain)
    for word in words:
        if word not in sizes and word not in indices:
            indices[word] = Index(word)
    for part in ranges:
        terms = re.split(r"(<=|<)", part)
        sides = [[_expr(x, {**sizes, **indices}) for x in side.split(",")] for side in terms[::2]]
        for a, op, b in zip(sides, terms[1::2], sides[1:], strict=False):
            conditions += [make(COMPARE[op], p, q) for p in a for q in b]
    scope = {**sizes, **indices, **{n: _Subscripted(t) if t.dims else t[()] for n, t in tensors.items()}}
    name, _, subs = left.strip().partition("[")
    write = eval(f"({subs.rstrip(']')},)", {}, scope) if subs else ()
    points = Domain.where(tuple(indices.values()), *conditions)
    return name, sign, Term(points, tuple(make("add", w, 0) for w in write), _expr(right, scope))
