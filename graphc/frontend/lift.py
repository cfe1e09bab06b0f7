"""SymPy equations, in both notations, as expressions at one point: vector notation gets its trailing indices.

`Lifter` builds the right side of one equation: `shape(e)` are the free axes of a SymPy expression, `build(e, at, env)`
its value where those axes stand at the subscripts `at`. Reductions become `Reduce` nodes over fresh indices.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import sympy as sp

from graphc.equations.expr import Const, Expr, Index, Read, indices_of, make, reads
from graphc.equations.ops import OWN
from graphc.equations.system import Tensor
from graphc.errors import DefinitionError, ShapeError, UnsupportedError, counted
from graphc.frontend import computed, limits, scalars
from graphc.frontend import reduce as reducing
from graphc.frontend.gradients import element
from graphc.frontend.names import Names, Written, atoms, is_whole
from graphc.frontend.reduce import Bound, Operand, merged
from graphc.frontend.split import nearest_chosen
from graphc.language import notation as nt
from graphc.language import reductions as rd
from graphc.language import symbols as sy
from graphc.language.functions import Applied

Env = Mapping[sp.Basic, Expr]
Shape = tuple[Expr, ...]
_PLAIN = {"Sum": "sum", "Prod": "prod", "Mean": "mean", "amax": "max", "amin": "min"}


class Lifter:
    """The state of lifting one equation: the tables of the system, and names for the indices it makes."""

    def __init__(
        self,
        names: Names,
        written: Written,
        bounds: Mapping[Index, tuple[Expr, Expr]],
        cycle: Set[sy.Tensor],
        recurrent: Set[Tensor],
    ) -> None:
        self.names, self.written, self.bounds = names, written, bounds
        self.cycle = cycle  # the tensors whose clamped lags (`s[Max(t - 3, 0)]`) nothing else says to be earlier
        self.recurrent = recurrent  # the tensors in a cycle with this one, where limits come from data
        self.operands: list[Operand] = []
        self.made: dict[Any, tuple[Env, Expr]] = {}  # by address of the environment, which is held beside
        self.wholes: list[Operand] = []  # the same for expressions that are differentiated, inner ones first
        self.limited: dict[tuple[Bound, ...], Expr] = {}  # what holds within limits that were computed
        used = set(map(str, atoms(written.eq, sp.Symbol, sy.Tensor)))
        self._letters = iter([c for c in "ijklmnpqruvw" if c not in used])

    def axis(self) -> Index:
        """A fresh index for an axis that the user left away."""
        return Index(next(self._letters, "z"))

    # -- shapes ---------------------------------------------------------------------------------------------------

    def shape(self, e: sp.Basic) -> Shape:
        """The dimensions of the free axes of `e`."""
        if e not in self.names.shapes:
            self.names.shapes[e] = self._shape(e)
        return self.names.shapes[e]

    def _shape(self, e: sp.Basic) -> Shape:
        if isinstance(e, sy.Tensor):
            return self.names.tensor(e.wrt if isinstance(e, nt.D) else e).dims
        if isinstance(e, sp.Symbol | sp.Number | sp.NumberSymbol):
            return ()
        if isinstance(e, sy.Access):
            return self._access_shape(e)
        if isinstance(e, nt.Contract):
            return self._contract_shape(e)
        if isinstance(e, nt.Transpose):
            return self.shape(e.args[0])[::-1]
        if isinstance(e, nt.Convolution):
            from graphc.frontend.convolve import sizes

            return sizes(self, e)
        if isinstance(e, rd.Reduction):
            free = self.shape(e.body)
            return free if e.limits or e.keeps else free[:-1] if isinstance(e, rd.logsumexp) else ()
        if isinstance(e, sp.Sum | sp.Product):
            return self.shape(e.function)
        return self._joint(
            e, list(e.given) if isinstance(e, Applied) else [a for a in e.args if isinstance(a, sp.Basic)]
        )

    def _access_shape(self, e: sy.Access) -> Shape:
        free = self.shape(e.base)
        if len(e.subs_) > len(free):
            raise self.written.error(
                ShapeError, f"{e} has {counted(len(e.subs_), 'subscript')}, but {e.base} has {count(free)}",
                "Give one subscript for each free axis at most",
            )  # fmt: skip
        for s in e.subs_:
            if self.shape(s):
                raise self.written.error(
                    ShapeError, f"the subscript {s} of {e} has {count(self.shape(s))}; a subscript is one integer",
                    f"Give it an index: {s}[t]",
                )  # fmt: skip
        return free[len(e.subs_) :]

    def _contract_shape(self, e: nt.Contract) -> Shape:
        (a, b), (left, right) = e.args, map(self.shape, e.args)
        if not left or not right:
            scalar = a if not left else b
            raise self.written.error(
                ShapeError, f"{scalar} in {e} has no free axis to contract", "Multiply scalars with *"
            )
        if left[-1] is not right[0]:
            ends = f"axis {len(left) - 1} of {a}, of size {left[-1]!r}, with axis 0 of {b}, of size {right[0]!r}"
            raise self.written.error(
                ShapeError,
                f"{e} contracts {ends}",
                "`@` contracts the last free axis with the first, which need equal sizes; .T transposes",
            )
        return left[:-1] + right[1:]

    def _joint(self, e: sp.Basic, terms: list[sp.Basic]) -> Shape:
        """The shape of an elementwise operation: that of its operands, scalars aside."""
        shaped = [(t, s) for t in terms if (s := self.shape(t))]
        if not shaped:
            return ()
        first, shape = shaped[0]
        for other, theirs in shaped[1:]:
            self.must_agree(first, shape, other, theirs)
        return shape

    def must_agree(self, a: sp.Basic, left: Shape, b: sp.Basic, right: Shape) -> None:
        """Raise the ShapeError that names both terms, the axis and both sizes, unless the shapes are equal."""
        if left == right:
            return
        mend = "Only scalars broadcast; use index notation to say which axes meet"
        if len(left) != len(right):
            what = f"{a} has {count(left)}, {b} has {count(right)}"
        else:
            k = next(k for k, (x, y) in enumerate(zip(left, right, strict=True)) if x is not y)
            what = f"axis {k} of {a} has size {left[k]!r}, axis {k} of {b} has size {right[k]!r}"
        raise self.written.error(ShapeError, what, mend)

    # -- values ---------------------------------------------------------------------------------------------------

    def build(self, e: sp.Basic, at: tuple[Expr, ...], env: Env) -> Expr:
        """The value of `e` where its free axes stand at `at` (ignored where `e` is a scalar)."""
        key = (e, at, id(env))
        if key not in self.made:
            self.made[key] = env, self._build(e, at if self.shape(e) else (), env)
        return self.made[key][1]

    def _build(self, e: sp.Basic, at: tuple[Expr, ...], env: Env) -> Expr:
        literal = scalars.number(e)
        if literal is not None:
            return literal
        if isinstance(e, sp.Symbol):
            return self._symbol(e, env)
        if isinstance(e, nt.D):
            return element(self, e, e, at, env)
        if isinstance(e, sy.Tensor):
            return self._read(e, (), at)
        if isinstance(e, sy.Access):
            subs = tuple(self.subscript(e, s, env) for s in e.subs_)
            if isinstance(e.base, nt.D):
                return element(self, e.base, e, subs + at, env)
            if isinstance(e.base, sy.Tensor):
                return self._read(e.base, subs, at, e)
            return self.build(e.base, subs + at, env)
        if isinstance(e, sp.Add):
            return scalars.add([self.build(a, at, env) for a in e.args])
        if isinstance(e, sp.Mul):
            return scalars.product(e, lambda a: self.build(a, at, env))
        if isinstance(e, sp.Pow) and not isinstance(e, sp.exp):
            base, exponent = (self.build(a, at, env) for a in e.args)
            return make("exp", exponent) if e.args[0] is sp.E else scalars.power(base, exponent)
        if isinstance(e, nt.Contract):
            return self._contract(e, at, env)
        if isinstance(e, nt.Transpose):
            return self.build(e.args[0], at[::-1], env)
        if isinstance(e, rd.Reduction | sp.Sum | sp.Product):
            return self._reduction(e, at, env)
        if isinstance(e, nt.Convolution):
            from graphc.frontend.convolve import value

            return value(self, e, at, env)
        return self._function(e, at, env)

    def _symbol(self, e: sp.Symbol, env: Env) -> Expr:
        if e in env:
            return env[e]
        if isinstance(e, sy.Size):
            return self.names.size(e)
        if isinstance(e, sy.Index):
            left = self.written.eq.lhs
            raise self.written.error(
                DefinitionError, f"the index {e} stands on the right but not on the left, and no reduction binds it",
                f"Put it on the left ({_with_index(left, e)}) or reduce over it (Sum(.., {e}))",
            )  # fmt: skip
        raise self.written.error(
            DefinitionError, f"{e} is neither a size nor an index nor a tensor",
            f'Make it one: gc.sizes("{e}"), gc.index("{e}"), or gc.Param("{e}") for a scalar',
        )  # fmt: skip

    def _read(
        self, t: sy.Tensor, subs: tuple[Expr, ...], at: tuple[Expr, ...], access: sy.Access | None = None
    ) -> Expr:
        read = Read(self.names.tensor(t), subs + at)
        value = nearest_chosen(read) if t in self.cycle else read
        for r in {read, *reads(value)}:
            self.written.reads.setdefault(r, (t if access is None else access, len(subs)))
        return value

    def subscript(self, access: sp.Basic, s: sp.Expr, env: Env) -> Expr:
        """A subscript as an integer expression."""
        value = self.build(s, (), env)
        if value.kind == "real" and is_whole(s):
            value = scalars.in_integers(value)
        value = self.names.composed.affine(value)
        if value.kind in ("weak", "int"):
            return value
        data = [n for n in s.atoms(sy.Tensor) if not n.is_integer]
        if data and not any(a.q != 1 for a in s.atoms(sp.Rational)):
            what = f"the subscript {s} of {access} reads {data[0]}, which is not an integer tensor"
            mend = f'Declare it so, gc.Input("{data[0]}", .., dtype="int64"), or round it: floor({data[0]}[..])'
            raise self.written.error(DefinitionError, what, mend)
        mend = 'Use floor division (i//2), or give it as data: gc.Input("J", .., dtype="int64")'
        raise self.written.error(DefinitionError, f"the subscript {s} of {access} is not an integer", mend)

    def _function(self, e: sp.Basic, at: tuple[Expr, ...], env: Env) -> Expr:
        if isinstance(e, Applied):
            return self._applied(e, [self.build(a, at, env) for a in e.given])
        if isinstance(e, sp.floor | sp.ceiling):
            return scalars.floor_of(e.args[0], lambda a: self.build(a, at, env), isinstance(e, sp.ceiling))
        if isinstance(e, sp.Piecewise | rd.Cases):
            return scalars.piecewise([(self.build(v, at, env), self.build(c, at, env)) for v, c in e.args])
        if isinstance(e, sp.Rel):
            e = scalars.without_fractions(e, lambda a: self.build(a, at, env))
        args = [self.build(a, at, env) for a in e.args]
        if isinstance(e, sp.Eq | sp.Ne | sp.KroneckerDelta) and all(map(is_whole, e.args)):
            args = [scalars.in_integers(a) for a in args]
        if isinstance(e, sp.Rel) and all(a.kind in ("weak", "int") for a in args):
            args = [self.names.composed.affine(a) for a in args]
        try:
            return scalars.apply(e, args)
        except UnsupportedError as error:
            if "\n  in " in str(error):
                raise
            raise self.written.error(UnsupportedError, *str(error).split("\n  ")) from None

    def _applied(self, e: Applied, args: list[Expr]) -> Expr:
        """A function with derivatives of its own: its value, to which each argument with its derivative is tied."""
        inner: Env = dict(zip(e.definition.arguments, args, strict=True))
        value = make("stop", self.build(e.definition.value, (), inner))
        for argument, derivative in zip(args, e.definition.derivatives, strict=True):
            value = make(OWN + e.definition.name, value, argument, self.build(derivative, (), inner))
        return value

    def _contract(self, e: nt.Contract, at: tuple[Expr, ...], env: Env) -> Expr:
        left, right = e.args
        split = len(self.shape(left)) - 1
        k = self.axis()
        a = self.build(left, (*at[:split], k), env)
        b = self.build(right, (k, *at[split:]), env)
        return merged("sum", (Bound(k, Const(0), self.shape(right)[0]),), a * b)

    def operand(self, e: sp.Basic, at: tuple[Expr, ...], env: Env) -> Expr:
        """`e` at shifted places `at`, read from a tensor of its own, so that it vanishes outside its axes."""
        plain = self.build(e, at, env)
        axes = tuple(self.axis() for _ in at)
        body = self.build(e, axes, env)
        others = tuple(i for i in reducing.all_indices(body) if i not in axes)
        if isinstance(plain, Read) or any(i not in self.bounds for i in others):
            return plain
        ranges = [*(self.bounds[i] for i in others), *((Const(0), n) for n in self.shape(e))]
        kind = "int" if body.kind == "int" else "real"
        tensor = Tensor(self.names.fresh(f"{self.written.name}_in"), tuple(h - lo for lo, h in ranges), "tensor", kind)
        self.operands.append(Operand(tensor, (*others, *axes), tuple(ranges), body))
        lows = [lo for lo, _ in ranges]
        return Read(tensor, tuple(s - lo for s, lo in zip((*others, *at), lows, strict=True)))

    # -- reductions -----------------------------------------------------------------------------------------------

    def _reduction(self, e: sp.Basic, at: tuple[Expr, ...], env: Env) -> Expr:
        name, body = _name(e), e.args[0]
        if not e.args[1:] and not self.shape(body):
            raise self.written.error(
                DefinitionError,
                f"{e} has nothing to reduce: {body} has no free axis",
                f"Say over which index: {name}({body}, {self._unbound(body, env)})",
            )

        def fresh() -> tuple[tuple[Bound, ...], Expr]:
            return self._bind(e, body, at, env)

        if name == "Mean" and limits.are_data(e):
            return limits.mean(fresh)
        if name in _PLAIN:
            bound, value = fresh()
            if name == "Mean" and bound in self.limited:
                return computed.mean(value, bound, fresh()[0], self.limited)
            return merged(_PLAIN[name], bound, value)
        if name == "logsumexp":
            return reducing.logsumexp(fresh)
        if name == "softmax":
            return reducing.softmax(self.build(body, at, env), fresh)
        return reducing.argmax(name[3:], lambda bound, value: self._position(e, bound, value), fresh)

    def _unbound(self, body: sp.Basic, env: Env) -> str:
        """The indices that only a reduction of `body` can bind; some index if there is none."""
        free = {str(s) for s in body.free_symbols if isinstance(s, sy.Index) and s not in env}
        return ", ".join(sorted(free)) or "i"

    def _bind(self, e: sp.Basic, body: sp.Basic, at: tuple[Expr, ...], env: Env) -> tuple[tuple[Bound, ...], Expr]:
        """Fresh indices for a reduction, and its body at them."""
        over = e.args[1:]
        if not over:
            shape = self.shape(body)
            last = isinstance(e, rd.softmax | rd.logsumexp)
            axes = shape[-1:] if last else shape
            bound = tuple(Bound(self.axis(), Const(0), dim) for dim in axes)
            front = at[: len(shape) - 1] if last else ()
            return bound, self.build(body, (*front, *(b.index for b in bound)), env)
        inner = dict(env)
        if len({limit[0] for limit in over}) < len(over):
            raise self.written.error(DefinitionError, f"{e} runs over the same index twice", "Use an index for each")
        for limit in over:
            if not isinstance(limit[0], sp.Symbol) or isinstance(limit[0], sy.Size):
                raise self.written.error(DefinitionError, f"{e} runs over {limit[0]}, which is not an index")
            inner[limit[0]] = Index(limit[0].name)
        bound = tuple(self._bound(e, limit, inner[limit[0]], self._around(limit, env, inner)) for limit in over)
        if limits.are_data(e):
            return limits.bind(self, e, bound, at, inner)
        value = self.build(body, at, inner)
        if isinstance(e, rd.softmax):
            bound = tuple(self._kept(b, env.get(limit[0]), value) for b, limit in zip(bound, over, strict=True))
        if any(map(computed.are_computed, bound)):
            return computed.bind(self, e, bound, value)
        return bound, value

    def _kept(self, b: Bound, outside: Expr | None, value: Expr) -> Bound:
        """An index that softmax keeps runs inside as it does outside, where it stands alone at no axis."""
        if b.low is not None or reducing.plain_dim(b.index, value) is not None or not isinstance(outside, Index):
            return b
        return Bound(b.index, *self.bounds.get(outside, (None, None)))

    def _around(self, limit: sp.Tuple, outer: Env, inner: Env) -> Env:
        """What the limits of an index see: the indices bound with it, and under its own name what stands around."""
        if not any(limit[0] in e.free_symbols for e in limit[1:]):
            return inner
        found = {name: value for name, value in inner.items() if name != limit[0]}
        if limit[0] in outer:
            found[limit[0]] = outer[limit[0]]
        return found

    def _bound(self, e: sp.Basic, limit: sp.Tuple, index: Expr, env: Env) -> Bound:
        assert isinstance(index, Index)
        extent = getattr(limit[0], "extent", None)
        if len(limit) == 3:
            low = None if limit[1] is sp.S.NegativeInfinity else self.subscript(e, limit[1], env)
            high = None if limit[2] is sp.oo else self.subscript(e, limit[2], env) + 1
            return Bound(index, low, high, closed=low is not None and high is not None)
        if extent is not None:
            return Bound(index, Const(0), self.names.integer(extent))
        return Bound(index)

    def _position(self, e: sp.Basic, bound: tuple[Bound, ...], body: Expr) -> tuple[Expr, Expr]:
        """The flat position of the bound indices, row by row, and a number beyond all of them."""
        place: Expr = Const(0)
        beyond: Expr | None = Const(1)
        for k, b in enumerate(bound):
            length = b.high if b.high is not None else reducing.plain_dim(b.index, body)
            if length is not None and indices_of(length) & {other.index for other in bound}:
                raise self.written.error(
                    UnsupportedError, f"{e} has no flat position: its ranges depend on each other",
                    "Reduce over all of it, and put the rest out of reach: Piecewise((.., j <= i), (-oo, True))",
                )  # fmt: skip
            if k and length is None:
                raise self.written.error(UnsupportedError, f"{e} needs a range for each index", "Give it: (i, 0, 3)")
            place = place * length + b.index if length is not None and k else b.index
            beyond = None if beyond is None or length is None else beyond * length
        return place, Const(2**62) if beyond is None else beyond


def _name(e: sp.Basic) -> str:
    """What a reduction is called."""
    return {"Product": "Prod"}.get(type(e).__name__, type(e).__name__)


def count(shape: Shape) -> str:
    """How many free axes, and their sizes."""
    return (
        f"{len(shape)} free axes ({', '.join(map(repr, shape))})" if len(shape) != 1 else f"1 free axis ({shape[0]!r})"
    )


def _with_index(left: sp.Basic, e: sp.Symbol) -> str:
    if isinstance(left, sy.Access):
        return f"{left.base}[{', '.join(sy.compact(s) for s in (*left.subs_, e))}]"
    return f"{left}[{e}]"
