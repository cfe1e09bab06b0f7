"""The names of a program: the user's SymPy objects and what stands for them in the representation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import sympy as sp

from graphc.checks.reads import Gradient
from graphc.equations.composed import Composed
from graphc.equations.domain import is_affine
from graphc.equations.expr import Const, Expr, Read, Size
from graphc.equations.system import Origin, Tensor
from graphc.errors import DefinitionError, GraphcError, UnsupportedError, complain
from graphc.frontend import scalars
from graphc.language import reductions as rd
from graphc.language import symbols as sy
from graphc.language.notation import D

B = TypeVar("B", bound=sp.Basic)


def atoms(e: sp.Basic, *kinds: type[B]) -> set[B]:
    """The parts of `e` of these kinds, in the losses of gradients too. SymPy's own comes to a part as often as it is
    written, which is exponential where an expression is built of itself (Newton's steps written out)."""
    seen: set[sp.Basic] = set()
    todo = [e]
    while todo:
        part = todo.pop()
        if part not in seen:
            seen.add(part)
            todo.extend(a for a in part.args if isinstance(a, sp.Basic))
            if isinstance(part, D):
                todo += [part.loss, part.wrt]
    return {part for part in seen if isinstance(part, kinds)}


@dataclass(eq=False)
class Written:
    """An equation as the user wrote it. `reads` remembers how each read was written, and with how many subscripts."""

    eq: sp.Eq
    origin: Origin
    reads: dict[Read, tuple[object, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The tensor on the left."""
        left = self.eq.lhs
        return str(left.base if isinstance(left, sy.Access) else left)

    def error(self, kind: type[GraphcError], what: str, mend: str = "") -> GraphcError:
        return kind(complain(what, self.origin.equation, mend))


class Names:
    """Tables from the user's objects to the representation's, for one system."""

    def __init__(
        self,
        kinds: dict[sy.Tensor, str],
        taken: set[str],
        defined: set[sy.Tensor] | None = None,
        fixed: Mapping[str, int] | None = None,
    ) -> None:
        self.kinds, self.taken, self.defined, self.fixed = kinds, taken, defined or set(), fixed or {}
        self.composed = Composed()
        self.tensors: dict[sy.Tensor, Tensor] = {}
        self.shapes: dict[sp.Basic, tuple[Expr, ...]] = {}
        self.least: dict[str, int] = {}  # of the sizes that were given one
        self.losses: dict[D, sy.Tensor] = {}  # of the gradients of scalars
        self.gradients: dict[tuple[Tensor, Tensor], Gradient] = {}
        self.known: dict[str, int] = {}  # of the sizes that were met, those with a value

    def fresh(self, wanted: str) -> str:
        """`wanted`, or with a number behind it, so that nothing has it yet."""
        name, k = wanted, 1
        while name in self.taken:
            k += 1
            name = f"{wanted}_{k}"
        self.taken.add(name)
        return name

    def size(self, s: sy.Size) -> Expr:
        """A size, or the number that is its value."""
        if s.least is not None:
            self.least[s.name] = s.least
        if s.name not in self.fixed:
            return Size(s.name)
        self.known[s.name] = self.fixed[s.name]
        return Const(self.fixed[s.name])

    def tensor(self, t: sy.Tensor) -> Tensor:
        """The tensor of the representation; one for each of the user's."""
        found = self.tensors.get(t)
        if found is None:
            dims = tuple(self.dim(t, d) for d in t.dims)
            given = self.defined and t not in self.defined and t.role == "tensor"
            role = "input" if given else t.role
            found = Tensor(t.name, dims, role, self.kinds.get(t, "real"), t.dtype or None, Origin(t.name))
            self.tensors[t] = found
        return found

    def gradient(self, d: D, loss: Tensor, where: str) -> Gradient:
        """What stands for the gradient of each element of `loss`; one for each pair of tensors."""
        wrt = self.tensor(d.wrt)
        found = self.gradients.get((loss, wrt))
        if found is None:
            tensor = Tensor(f"D({loss.name}, {wrt.name})", (*loss.dims, *wrt.dims), "input")
            found = self.gradients[loss, wrt] = Gradient(tensor, loss, wrt, d, where)
        return found

    def dim(self, t: sy.Tensor, d: sp.Expr) -> Expr:
        e = self.integer(d)
        if e.kind != "weak" or not is_affine(e):
            raise UnsupportedError(
                f"a dimension of {t.name} is {d}, which is not made of sums, products and floor divisions\n"
                "  Give it a size of its own"
            )
        return e

    def integer(self, e: sp.Expr) -> Expr:
        """An integer expression of sizes, affine in them and in composed ones."""
        return self.composed.affine(self._integer(e))

    def _integer(self, e: sp.Expr) -> Expr:
        literal = scalars.number(e)
        if literal is not None:
            return literal
        if isinstance(e, sy.Size):
            return self.size(e)
        if isinstance(e, sp.Symbol):
            raise DefinitionError(f"{e} is not a size")
        if isinstance(e, sp.Add):
            return scalars.add([self._integer(a) for a in e.args])
        if isinstance(e, sp.Mul):
            return scalars.product(e, self._integer)
        if isinstance(e, sp.Pow):
            return scalars.power(*map(self._integer, e.args))
        if isinstance(e, sp.floor | sp.ceiling):
            return scalars.floor_of(e.args[0], self._integer, isinstance(e, sp.ceiling))
        return scalars.apply(e, [self._integer(a) for a in e.args])


def integer_tensors(
    equations: Iterable[tuple[sy.Tensor, sp.Expr]], tensors: Iterable[sy.Tensor]
) -> dict[sy.Tensor, str]:
    """Which tensors hold integers: those declared so, and those all of whose equations give integers."""
    declared = {
        t: "int" if t.is_integer else "real" for t in tensors if t.dtype or t.role != "tensor" or isinstance(t, D)
    }
    equations = [(t, e) for t, e in equations if t not in declared]
    computes = any(atoms(e, rd.argmax, rd.argmin) for _, e in equations)
    if "int" not in declared.values() and not computes:
        return declared
    kinds = dict(declared)
    changed = True
    while changed:
        changed = False
        for t, e in equations:
            old = kinds.get(t, "weak")
            new = _widest(old, _kind(e, kinds))
            if new != old:
                kinds[t], changed = new, True
    return {t: "int" if k == "int" else "real" for t, k in kinds.items()}


_ORDER = ("weak", "int", "real")


def _widest(*kinds: str) -> str:
    return max(kinds, key=_ORDER.index, default="weak")


def _kind(e: sp.Basic, kinds: dict[sy.Tensor, str]) -> str:
    """The kind of a value, given those of the tensors (weak: an integer that adapts)."""
    if isinstance(e, sy.Tensor):
        return kinds.get(e, "weak")
    if isinstance(e, sy.Access):
        return _kind(e.base, kinds)
    if isinstance(e, sp.Integer | sp.Symbol) or e.is_Boolean:
        return "weak"
    if isinstance(e, rd.argmax | rd.argmin):
        return "int"
    if isinstance(e, rd.Mean | rd.softmax | rd.logsumexp):
        return "real"
    if isinstance(e, rd.Reduction | sp.Sum | sp.Product):
        return _kind(e.args[0], kinds)
    if isinstance(e, sp.Piecewise | rd.Cases):
        if e.args[-1][1] is not sp.true and any(c.has(sy.Tensor) for _, c in e.args):
            return "real"  # NaN where nothing is chosen
        return _widest(*(_kind(value, kinds) for value, _ in e.args))
    if isinstance(e, sp.floor | sp.ceiling):
        inner = [_kind(a, kinds) for n in sp.Add.make_args(e.args[0]) for a in [n.as_coeff_Mul()[1]]]
        return _widest(*inner)
    if isinstance(e, sp.Pow) and not (isinstance(e.args[1], sp.Integer) and e.args[1] >= 0):
        return "real"
    plain = isinstance(e, sy.Notation | sp.Add | sp.Mul | sp.Pow | sp.Max | sp.Min | sp.Abs | sp.Mod | sp.sign)
    return _widest(*(_kind(a, kinds) for a in e.args if isinstance(a, sp.Expr))) if plain else "real"


def is_whole(e: sp.Basic) -> bool:
    """Whether the value of `e` is certainly a whole number (floor(x), whatever x is)."""
    if e.is_integer or isinstance(e, sp.floor | sp.ceiling | sp.sign):
        return True
    if isinstance(e, sp.Piecewise | rd.Cases):
        return all(is_whole(value) for value, _ in e.args)
    if isinstance(e, sp.Add | sp.Mul | sp.Max | sp.Min | sp.Mod | sp.Abs):
        return all(is_whole(a) for a in e.args)
    return isinstance(e, rd.Sum | rd.Prod | rd.amax | rd.amin) and is_whole(e.body)
