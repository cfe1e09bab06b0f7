"""Two indices that make one axis: `o[t, h*D + d]` on an axis of length H*D.

Where each subscript of an axis counts in blocks alike, the axis is represented as several, (T, H*D) as (T, H, D) in the
same memory (`Tensor.joined`), and an index over all of it, `o[t, j]`, as one index for each. All else is affine then.
An axis on which subscripts differ stays one, and `h*D + d` a computed place; but such a place cannot be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc.equations.composed import polynomial, product
from graphc.equations.expr import Const, Expr, Index, Read, Size, substitute, transform
from graphc.equations.simplify import affine_sum
from graphc.equations.system import Tensor
from graphc.frontend.blocks import ONE, Axis, Count, Plan, descending, plan_of
from graphc.frontend.left import Draft
from graphc.frontend.names import Names
from graphc.frontend.reduce import Bound, Reduce, reduces


def factored(drafts: Sequence[Draft], names: Names) -> list[Draft]:
    """The drafts with divided axes apart, and `names` with the tensors that have them.

    Raises UnsupportedError where an equation writes blocks of an axis that another takes otherwise."""
    plan = plan_of(drafts, names)
    return list(drafts) if plan is None else _Rewriter(plan).drafts(drafts)


class _Rewriter:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.composed = plan, plan.names.composed
        self.tensors: dict[Tensor, Tensor] = {}
        self.parts: dict[Index, tuple[tuple[Index, Expr], ...]] = {}  # (part, how many values it takes)
        self.wholes: dict[Expr, Expr] = {}
        self.made: dict[Expr, Expr] = {}
        for tensor in {t for t, _ in plan.strides}:
            self.tensors[tensor] = self._tensor(tensor)
        for index, inner in plan.inner.items():
            if inner:
                self._index(index, [*descending(inner), ONE])

    def drafts(self, drafts: Sequence[Draft]) -> list[Draft]:
        names = self.plan.names
        names.tensors = {user: self.tensors.get(t, t) for user, t in names.tensors.items()}
        apart = [
            replace(g, **{part: self.tensors.get(t := getattr(g, part), t) for part in ("tensor", "loss", "wrt")})
            for g in names.gradients.values()
        ]
        names.gradients = {(g.loss, g.wrt): g for g in apart}
        return [self._draft(d) for d in drafts]

    def _chain(self, axis: Axis) -> list[Count]:
        return [*descending(self.plan.strides.get(axis, set())), ONE]

    def _radices(self, length: Count, chain: Sequence[Count]) -> tuple[Expr, ...]:
        quotients = [a.over(b) for a, b in zip([length, *chain], chain, strict=False)]
        return tuple(self.composed.affine(q.value) for q in quotients if q is not None)

    def _tensor(self, tensor: Tensor) -> Tensor:
        dims: list[Expr] = []
        joined: list[int] = []
        for k, dim in enumerate(tensor.dims):
            parts: tuple[Expr, ...] = (dim,)
            if self.plan.strides.get((tensor, k)):
                parts = self._radices(self.plan.lengths[tensor, k], self._chain((tensor, k)))
            joined += range(len(dims) + 1, len(dims) + len(parts))
            dims += parts
        return replace(tensor, dims=tuple(dims), joined=tuple(joined))

    def _index(self, index: Index, chain: Sequence[Count]) -> None:
        radices = self._radices(self.plan.counts[index], chain)
        parts = tuple((Index(f"{index.name}{k + 1}"), n) for k, n in enumerate(radices))
        total: Expr = Const(0)
        for (part, _), stride in zip(parts, chain, strict=True):
            total = total + part * stride.value
        self.parts[index], self.wholes[index] = parts, total

    def _draft(self, draft: Draft) -> Draft:
        p, tensor = draft.parsed, draft.tensor
        write = tuple(s for k, w in enumerate(p.write) for s in self._apart((tensor, k), self._value(w)))
        env = {symbol: self._value(e) for symbol, e in p.env.items()}
        axes = tuple(part for i in p.axes for part, _ in self.parts.get(i, ((i, None),)))
        value, reads = self._value(draft.value), draft.left.written.reads
        for read, text in list(reads.items()):
            new = self._value(read)
            if isinstance(new, Read):
                reads.setdefault(new, text)
        tensor = self.tensors.get(tensor, tensor)
        parsed = replace(p, write=write, axes=axes, env=env)
        places = {index: self._value(e) for index, e in draft.places.items()}
        for operands in (draft.lifter.operands, draft.lifter.wholes):
            operands[:] = [replace(o, value=self._value(o.value)) for o in operands]
        return replace(draft, tensor=tensor, parsed=parsed, value=value, places=places, scope=None)

    def _value(self, e: Expr) -> Expr:
        """An expression with the indices and the axes apart."""
        found = self.made.get(e)
        if found is None:
            mapping: dict[Expr, Expr] = {r: self._reduce(r) for r in reduces(e)}
            found = self.made[e] = transform(substitute(e, mapping), self._visit)
        return found

    def _visit(self, node: Expr) -> Expr | None:
        if isinstance(node, Read) and node.tensor in self.tensors:
            subs = [s for k, sub in enumerate(node.subs) for s in self._apart((node.tensor, k), sub)]
            return Read(self.tensors[node.tensor], tuple(subs))
        return self.wholes.get(node)

    def _reduce(self, r: Reduce) -> Expr:
        bound: list[Bound] = []
        for b in r.bound:
            if b.index in self.parts:
                bound += (Bound(part, Const(0), n, b.closed) for part, n in self.parts[b.index])
            else:
                low, high = (None if end is None else self._value(end) for end in (b.low, b.high))
                bound.append(Bound(b.index, low, high, b.closed))
        return r.rebuilt(tuple(bound), self._value(r.body), self._value)

    def _apart(self, axis: Axis, sub: Expr) -> list[Expr]:
        """The subscripts on the parts of an axis: each addend goes to the largest stride that divides it."""
        if not self.plan.strides.get(axis):
            return [sub]
        chain = self._chain(axis)
        digits: list[dict[Expr, int]] = [{} for _ in chain]
        for factors, k in polynomial(sub, self.composed.known).items():
            rest = product(tuple(f for f in factors if not isinstance(f, Size)))
            count = Count(abs(k), tuple(sorted((f for f in factors if isinstance(f, Size)), key=repr)))
            parts = ((at, q) for at, s in enumerate(chain) if (q := count.over(s)) is not None and not q.sizes)
            place, n = next((at, q.literal) for at, q in parts)
            digits[place][rest] = digits[place].get(rest, 0) + (n if k > 0 else -n)
        return [affine_sum(d, d.pop(Const(1), 0)) for d in digits]
