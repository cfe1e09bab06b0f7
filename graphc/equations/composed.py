"""Sizes composed of others: `H*D`, `Y//P`, `(N - K)//S + 1`.

isl reasons about sums and whole multiples of sizes. So what else is made of sizes alone becomes a size of its own: its
name is its expression, its value follows at each call (`System.composed`), and all else is affine in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce as fold

from graphc.equations.domain import is_affine, size_names
from graphc.equations.expr import Const, Expr, Op, Size, make, postorder, substitute
from graphc.equations.printing import show

Monomial = tuple[Expr, ...]
Polynomial = dict[Monomial, int]


def polynomial(e: Expr, known: Mapping[str, Expr]) -> Polynomial:
    """An integer expression multiplied out: {factors: coefficient}. Products among the sizes of `known` are opened."""
    match e:
        case Const(value=value):
            return {(): int(value)} if value else {}
        case Size(name=name) if _is_product(known.get(name)):
            return polynomial(known[name], known)
        case Op(name="neg", args=(a,)):
            return {m: -k for m, k in polynomial(a, known).items()}
        case Op(name="add" | "sub" as name, args=(a, b)):
            sign = 1 if name == "add" else -1
            return _collected(
                [*polynomial(a, known).items(), *((m, sign * k) for m, k in polynomial(b, known).items())]
            )
        case Op(name="mul", args=(a, b)):
            left, right = polynomial(a, known), polynomial(b, known)
            return _collected([(_ordered(m + n), k * q) for m, k in left.items() for n, q in right.items()])
        case Op(name="pow", args=(a, Const(value=int(n)))) if 0 < n <= 8:
            return polynomial(product((a,) * n), known)
    return {(e,): 1}


def same_shape(a: Sequence[Expr], b: Sequence[Expr], known: Mapping[str, Expr]) -> bool:
    """Whether dimensions are equal, however they are composed."""
    return [polynomial(d, known) for d in a] == [polynomial(d, known) for d in b]


def _is_product(e: Expr | None) -> bool:
    return isinstance(e, Op) and e.name == "mul"


def _collected(terms: list[tuple[Monomial, int]]) -> Polynomial:
    found: Polynomial = {}
    for m, k in terms:
        found[m] = found.get(m, 0) + k
    return {m: k for m, k in found.items() if k}


def _ordered(m: Monomial) -> Monomial:
    """Sizes by name, then what was made first."""
    return tuple(sorted(m, key=lambda e: (0, e.name, 0) if isinstance(e, Size) else (1, "", e.uid)))


def product(m: Monomial) -> Expr:
    """The product of these factors."""
    one: Expr = Const(1)
    return fold(lambda a, b: make("mul", a, b), m, one)


def of_sizes(e: Expr) -> bool:
    """Whether an expression is made of sizes and numbers alone."""
    return all(isinstance(n, Const | Size | Op) for n in postorder(e))


def affine_at_numbers(e: Expr) -> bool:
    """Whether an expression is affine once its sizes are numbers."""
    return is_affine(substitute(e, {n: Const(3) for n in postorder(e) if isinstance(n, Size)}))


def _sign(e: Expr) -> int:
    """-1 for a sum that is plainly at most 0."""
    return -1 if all(k <= 0 for k in polynomial(e, {}).values()) else 1


def _text(definition: Expr) -> str:
    match definition:
        case Op(name="mul"):
            return show(definition).replace(" ", "")
        case Op(name="neg", args=(Op(name="floordiv", args=(a, b)),)):
            return f"ceiling(({show(-a)})/{show(b)})".replace(" ", "")
    return f"({show(definition)})".replace(" ", "")


class Composed:
    """The composed sizes of one system, and the sizes that make it affine where they are numbers."""

    def __init__(self) -> None:
        self.known: dict[str, Expr] = {}
        self.open: set[str] = set()

    def affine(self, e: Expr) -> Expr:
        """An integer expression, with composed sizes for what is made of sizes alone and is not affine."""
        if e.kind not in ("weak", "int") or is_affine(e):
            return e
        parts = polynomial(e, self.known)
        (leaf, k), *others = parts.items() or [((), 0)]
        if len(leaf) == 1 and abs(k) == 1 and of_sizes(e) and not [m for m, _ in others if m]:
            return self._leaf(k, leaf[0], parts.get((), 0))
        total: Expr = Const(0)
        for m, c in parts.items():
            total = total + c * self._monomial(m)
        return total

    @property
    def bases(self) -> set[str]:
        """The sizes that composed ones are made of."""
        return size_names(*self.known.values())

    def base(self, e: Expr) -> Expr:
        """`e` in the sizes that are not composed."""
        return substitute(e, {Size(name): definition for name, definition in self.known.items()})

    def _leaf(self, k: int, leaf: Expr, constant: int) -> Expr:
        """k*leaf + constant; a quotient takes the constant in, so that it is the whole that is never negative."""
        match leaf:
            case Op(name="floordiv", args=(a, b)) if constant > 0 and not isinstance(b, Const) and k == _sign(a):
                return k * self._factor(make("floordiv", self.base(a + k * constant * b), b))
        return k * self._factor(leaf) + constant

    def _monomial(self, m: Monomial) -> Expr:
        sizes = tuple(self._factor(f) for f in m if of_sizes(f))
        rest = product(tuple(f for f in m if not of_sizes(f)))
        if not all(is_affine(f) for f in m if not of_sizes(f)):
            self.open |= size_names(*(self.base(f) for f in m if affine_at_numbers(f)))
        if not sizes:
            return rest
        if rest is not Const(1):
            self.open |= size_names(*map(self.base, sizes))
        whole = sizes[0] if len(sizes) == 1 else self._named(product(_ordered(sizes)))
        return rest * whole

    def _factor(self, f: Expr) -> Expr:
        """A factor made of sizes as something affine."""
        match f:
            case Op(name="floordiv" | "mod" as name, args=(a, Const() as b)):
                return make(name, self.affine(a), b)
            case Op(name="floordiv", args=(a, b)):
                quotient = make("floordiv", self.base(a), self.base(b))
                return self._named(quotient) if _sign(a) > 0 else -self._named(-quotient)  # rounded up
            case Op(name="mod", args=args):
                return self._named(make("mod", *map(self.base, args)))
        return f

    def _named(self, definition: Expr) -> Size:
        """The size that stands for an expression."""
        definition = self.base(definition)
        if isinstance(definition, Const | Size):
            return definition  # type: ignore[return-value]
        name = _text(definition)
        self.known[name] = definition
        return Size(name)
