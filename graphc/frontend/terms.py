"""Values with reductions -> terms with one reduction at the top; the rest become tensors of their own.

A sum of several reductions and plain addends gives one term each. A reduction anywhere else is read from an auxiliary
tensor over the indices that occur freely in it, at the points where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, assume, is_affine, size_name, subset
from graphc.equations.expr import Const, Expr, Index, Op, Read, indices_of, make, postorder, substitute
from graphc.equations.ops import REDUCTIONS
from graphc.equations.system import Equation, Tensor, Term
from graphc.frontend.names import Written
from graphc.frontend.ranges import Ranges, Scope
from graphc.frontend.reduce import Bound, Reduce, all_indices, reduces
from graphc.frontend.rows import Placed, placed
from graphc.frontend.split import multiplies, split

ZERO, ONE, MINUS_ONE = Const(0), Const(1), Const(-1)
_EMPTY = {"sum": ZERO, "prod": ONE}


class Builder:
    """Makes terms and auxiliary equations; `begin` says for which of the user's equations."""

    def __init__(self, ranges: Ranges, fresh: Callable[[str], str]) -> None:
        self.ranges, self.fresh = ranges, fresh
        self.auxiliaries: list[Equation] = []
        self.shared: dict[object, list[tuple[Tensor, Scope]]] = {}
        self.marks: dict[object, Index] = {}
        self.marked: dict[object, list[tuple[Tensor, isl.Set]]] = {}
        self.name = ""
        self.written: Written

    def begin(self, name: str, written: Written) -> None:
        self.name, self.written = name, written

    # -- terms ----------------------------------------------------------------------------------------------------

    def kind_of(self, value: Expr) -> str:
        """How an equation with this value reduces."""
        if isinstance(value, Reduce) and value.op in REDUCTIONS.keys() - {"sum"}:
            return value.op
        parts = addends(value)
        if len(parts) == 1:
            ((coefficient, e),) = parts
            return "sum" if _is_sum(e) and coefficient.value in (1, -1) else "assign"
        return "sum" if any(_is_sum(e) for _, e in parts) else "assign"

    def terms(self, scope: Scope, write: Sequence[Expr], value: Expr) -> list[Term]:
        """The contributions that make up `value` at each point of `scope`."""
        kind = self.kind_of(value)
        if kind == "assign":
            return [self._term(scope, write, self.extract(scope, value))]
        if kind != "sum":
            assert isinstance(value, Reduce)
            return self._reduced(scope, write, value, ONE)
        out: list[Term] = []
        for coefficient, e in addends(value):
            if _is_sum(e):
                assert isinstance(e, Reduce)
                out += self._reduced(scope, write, e, coefficient)
            else:
                out.append(self._term(scope, write, scaled(coefficient, self.extract(scope, e))))
        return out

    def _term(self, scope: Scope, write: Sequence[Expr], value: Expr) -> Term:
        return Term(scope.domain, tuple(write), value, self.written.origin)

    def _reduced(self, scope: Scope, write: Sequence[Expr], r: Reduce, coefficient: Const) -> list[Term]:
        inner = scope.with_(self.ranges.regions[r], indices=r.indices)
        out: list[Term] = []
        apart = r.op in ("sum", "total") and multiplies(r.body)
        for factor, body in addends(r.body) if apart else [(ONE, r.body)]:
            for inside, value in split(body):
                if value is _EMPTY.get(r.op):
                    continue
                part = inner.with_(inside=inside)
                if r.op == "sum" and not apart:
                    part = part.with_(*self.ranges.licence(value, tuple(b.index for b in r.bound if not b.closed)))
                out.append(self._term(part, write, scaled(_times(coefficient, factor), self.extract(part, value))))
        return out

    def _count(self, scope: Scope, r: Reduce) -> Expr:
        """The number of points a mean runs over."""
        if r in self.ranges.boxes:
            total: Expr = ONE
            for b in r.bound:
                low, high = (b.low, b.high) if b.low is not None and b.high is not None else self.ranges.bounds[b.index]
                total = total * _length(scope, high - low)
            return total
        fresh = {b.index: Index(b.index.name) for b in r.bound}
        counter = Reduce("sum", tuple(Bound(i) for i in fresh.values()), ONE)
        self.ranges.regions[counter] = tuple(substitute(c, fresh) for c in self.ranges.regions[r])
        for old, new in fresh.items():
            if old in self.ranges.bounds:
                self.ranges.bounds[new] = self.ranges.bounds[old]
        return self.aside(scope, counter)

    # -- auxiliary tensors ----------------------------------------------------------------------------------------

    def extract(self, scope: Scope, value: Expr) -> Expr:
        """`value` with every reduction read from a tensor of its own."""
        found = _groups(value)
        return substitute(value, {e: self._apart(scope, e) for e in found}) if found else value

    def _apart(self, scope: Scope, e: Expr) -> Expr:
        if isinstance(e, Placed):
            return placed(self, scope, e)
        if not (isinstance(e, Reduce) and e.op == "mean"):
            return self.aside(scope, e)
        total = Reduce("total", e.bound, e.body)  # a sum, but of what has no licence to vanish
        self.ranges.regions[total] = self.ranges.regions[e]
        return make("div", self.aside(scope, total), self._count(scope, e))

    def aside(self, scope: Scope, value: Expr) -> Expr:
        """A read of the auxiliary tensor that holds `value` at every point of `scope` that matters to it."""
        free = self.free(value)
        keep = tuple(i for i in scope.indices if i in free)
        lows = {i: self.ranges.bounds[i][0] for i in keep}
        dims = tuple(self.ranges.bounds[i][1] - lows[i] for i in keep)
        base = _without_size_conditions(scope.domain.project(keep))
        inner = Scope(base.indices, base=base)
        write = tuple(i - lows[i] for i in base.indices)
        key = (self.fingerprint(value, {i: self.mark(k) for k, i in enumerate(keep)}), dims, tuple(lows.values()))
        for tensor, where in self.shared.get(key, []):
            if subset(inner.domain.set, where.domain.set):
                return Read(tensor, write)
        tensor = Tensor(self.fresh_name(_suffix(value)), dims, "tensor", _kind(value), origin=self.written.origin)
        self.shared.setdefault(key, []).append((tensor, inner))
        body = value.body if isinstance(value, Reduce) and value.op == "let" else value
        self.auxiliaries.append(self.equation(tensor, inner, write, body))
        return Read(tensor, write)

    def equation(self, tensor: Tensor, scope: Scope, write: Sequence[Expr], value: Expr) -> Equation:
        """The equation of a tensor that holds `value` at every point of `scope`."""
        terms = tuple(term for part, v in split(value) for term in self.terms(scope.with_(inside=part), write, v))
        return Equation(tensor, self.kind_of(value), scope.domain.image(write), terms, self.written.origin)

    def free(self, value: Expr) -> set[Index]:
        """The indices that `value` depends on, through the regions of its reductions too."""
        found = indices_of(value)
        for r in reduces(value):
            inner = self.free(r.body) | set().union(*(indices_of(c) for c in self.ranges.regions[r]), set())
            found |= (inner | all_indices(r)) - set(r.indices)
        return found

    def fresh_name(self, suffix: str) -> str:
        """A name for a tensor that holds a part of the equation."""
        return self.fresh(f"{self.name}_{suffix}")

    def mark(self, key: object) -> Index:
        return self.marks.setdefault(key, Index(f"#{len(self.marks)}"))

    def fingerprint(self, value: Expr, naming: dict[Index, Index]) -> Expr:
        """`value` with its indices numbered, so that equal reductions are one object."""
        mapping: dict[Expr, Expr] = {i: naming[i] for i in indices_of(value) if i in naming}
        for r in reduces(value):
            inner = {**naming, **{i: self.mark(("bound", len(naming) + k)) for k, i in enumerate(r.indices)}}
            region = tuple(self.fingerprint(c, inner) for c in self.ranges.regions[r])
            beside = (r.row.place, r.row.there) if isinstance(r, Placed) else ()
            named = tuple(self.fingerprint(e, naming) for e in beside)
            mapping[r] = self.mark((r.op, len(r.bound), region, named, self.fingerprint(r.body, inner)))
        return substitute(value, mapping)


def _without_size_conditions(domain: Domain) -> Domain:
    """A projection says which sizes leave any point at all (C > 0); no one asks."""
    sizes = map(size_name, domain.set.get_var_names(isl.dim_type.param))
    return domain.with_set(sets.gist_params(domain.set, assume(sizes)))


def _suffix(value: Expr) -> str:
    if isinstance(value, Reduce) and value.op == "let":
        return "choice" if isinstance(value.body, Op) and value.body.name == "select" else "exp"
    return value.op if isinstance(value, Reduce) and value.op != "total" else "sum"


def _kind(value: Expr) -> str:
    return "int" if value.kind == "int" else "real"


def _length(scope: Scope, length: Expr) -> Expr:
    """A length that is 0 where it would be negative."""
    if not is_affine(length):
        return make("maximum", length, Const(0))
    less = scope.with_((make("lt", length, Const(0)),)).domain.set
    sizes = assume(map(size_name, less.get_var_names(isl.dim_type.param)), least=0)
    return length if sets.intersect_params(less, sizes).is_empty() else make("maximum", length, Const(0))


def _groups(value: Expr) -> list[Expr]:
    """The largest parts of a value that one equation can hold: a sum with all its addends, or a reduction."""
    out: dict[Expr, None] = {}
    seen: set[Expr] = set()
    todo = [value]
    while todo:
        e = todo.pop()
        if e in seen:
            continue
        seen.add(e)
        if isinstance(e, Reduce) or (isinstance(e, Op) and e.name in ("add", "sub", "neg") and _several(e)):
            out[e] = None
        else:
            todo.extend(reversed(e.args))
    return list(out)


def _several(e: Expr) -> bool:
    parts = addends(e)
    return len(parts) > 1 and any(_is_sum(part) for _, part in parts)


def _is_sum(e: Expr) -> bool:
    return isinstance(e, Reduce) and e.op in ("sum", "total")


def scaled(coefficient: Const, e: Expr) -> Expr:
    """coefficient * e; a plain minus sign as such."""
    if coefficient is ONE:
        return e
    return -e if coefficient is MINUS_ONE else coefficient * e


def addends(value: Expr) -> list[tuple[Const, Expr]]:
    """(coefficient, addend) whose sum is `value`; coefficients are literals in front of sums. (Not sizes: a sum
    divided by a size of 0 is not a number.)"""
    out: list[tuple[Const, Expr]] = []
    todo: list[tuple[Const, Expr]] = [(ONE, value)]
    while todo:
        c, e = todo.pop()
        match e:
            case Op(name="add", args=(a, b)):
                todo += [(c, b), (c, a)]
            case Op(name="sub", args=(a, b)):
                todo += [(_times(c, MINUS_ONE), b), (c, a)]
            case Op(name="neg", args=(a,)) if _has_sum(a):
                todo.append((_times(c, MINUS_ONE), a))
            case Op(name="mul", args=(Const() as k, a)) if _has_sum(a):
                todo.append((_times(c, k), a))
            case _:
                out.append((c, e))
    return out


def _times(a: Const, b: Const) -> Const:
    return Const(a.value * b.value)


def _has_sum(e: Expr) -> bool:
    return any(_is_sum(n) for n in postorder(e))
