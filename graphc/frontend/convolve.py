"""`conv` and `correlate` as sums: sizes and alignments of NumPy and SciPy, per axis.

With n signal elements, k kernel elements a distance d apart, reach e = (k-1)*d: "full" has n + e elements, "same" n,
"valid" n - e; output o of them starts at o = 0, e//2, e of the full one, and a stride s takes every s-th.
"""

from __future__ import annotations

from graphc.equations.domain import is_affine
from graphc.equations.expr import Const, Expr, make
from graphc.errors import ShapeError, UnsupportedError
from graphc.frontend.lift import Env, Lifter, Shape, count
from graphc.frontend.reduce import Bound, merged
from graphc.language.notation import Convolution


def sizes(lifter: Lifter, e: Convolution) -> Shape:
    """The free axes of a convolution."""
    signal, kernel = (lifter.shape(a) for a in e.args[:2])
    if len(signal) != len(kernel) or not signal:
        what = f"{e.args[0]} has {count(signal)}, {e.args[1]} has {count(kernel)}"
        raise lifter.written.error(ShapeError, what, "A convolution runs over all free axes: subscript the others")
    out = []
    for n, k, s, d in zip(signal, kernel, _each(lifter, e, 3), _each(lifter, e, 4), strict=True):
        reach = lifter.names.composed.affine((k - 1) * d)
        length = {"full": n + reach, "same": n, "valid": n - reach}[e.mode]
        out.append(length if s is Const(1) else lifter.names.composed.affine(make("floordiv", length - 1, s) + 1))
    return tuple(out)


def _each(lifter: Lifter, e: Convolution, option: int) -> list[Expr]:
    rank, steps = len(lifter.shape(e.args[1])), [lifter.names.integer(s) for s in e.args[option]]
    if len(steps) not in (1, rank):
        what = f"{e} has {len(steps)} {'stride' if option == 3 else 'dilation'}s for {rank} axes"
        raise lifter.written.error(ShapeError, what, "Give one, or one for each axis")
    return steps if len(steps) == rank else steps * rank


def value(lifter: Lifter, e: Convolution, at: tuple[Expr, ...], env: Env) -> Expr:
    """The sum that a convolution is, at the element `at`."""
    signal, kernel = e.args[:2]
    lengths, affine = lifter.shape(kernel), lifter.names.composed.affine
    bound = tuple(Bound(lifter.axis(), Const(0), k) for k in lengths)
    where = []
    for o, b, k, s, d in zip(at, bound, lengths, _each(lifter, e, 3), _each(lifter, e, 4), strict=True):
        reach = affine((k - 1) * d)
        start = {"full": Const(0), "same": make("floordiv", reach, Const(2)), "valid": reach}[e.mode]
        full = o * s + start
        where.append(affine(full - b.index * d if e.flips else full - reach + b.index * d))
    if e.mode != "valid" and not all(map(is_affine, where)):
        what = f"{e} reads beyond its signal, in steps of a size"
        raise lifter.written.error(UnsupportedError, what, 'Take mode="valid", which stays inside, or numbers')
    x = lifter.operand(signal, tuple(where), env)
    w = lifter.build(kernel, tuple(b.index for b in bound), env)
    return merged("sum", bound, x * w)
