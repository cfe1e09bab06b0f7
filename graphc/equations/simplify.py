"""Simplification when an expression is built: rules as data, tried in order, the rewrite as the trailing comment.

Only rewrites that keep every value NumPy would give, NaN and infinities included, with one licence the mathematics
takes too: the exact integer zero annihilates (`0*x -> 0`). Integer subscripts are put into a normal form `sum of
coefficient*leaf + constant`, so that equal subscripts are one object.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from graphc.equations.expr import Const, Expr, Op, Read, Size, cached, postorder
from graphc.language.boundaries import BENT, Kit

ZERO, ONE = Const(0), Const(1)
_LEAST = -(2**63)  # of 64 bits; its negative is none of them
Rule = Callable[[tuple[Expr, ...]], "Expr | None"]


def _is_int(e: Expr) -> bool:
    return e.kind in ("weak", "int")


def affine_parts(e: Expr) -> tuple[dict[Expr, int], int]:
    """`e` (of integer kind) as ({leaf: coefficient}, constant); a non-affine subexpression counts as a leaf."""
    match e:
        case Const():
            return {}, int(e.value)
        case Op(name="add" | "sub", args=(a, b)):
            (left, c), (right, d) = affine_parts(a), affine_parts(b)
            sign = 1 if e.name == "add" else -1
            total = dict(left)
            for leaf, k in right.items():
                total[leaf] = total.get(leaf, 0) + sign * k
            return {leaf: k for leaf, k in total.items() if k}, c + sign * d
        case Op(name="neg", args=(a,)):
            left, c = affine_parts(a)
            return {leaf: -k for leaf, k in left.items()}, -c
        case Op(name="mul", args=(Const(value=k), b)) if isinstance(k, int) and _is_int(b):
            right, d = affine_parts(b)
            return {leaf: k * v for leaf, v in right.items() if k}, k * d
        case _:
            return {e: 1}, 0


def never_negative(length: Expr) -> bool:
    """Whether a sum of sizes is plainly at least 0, sizes being so."""
    parts, constant = affine_parts(length)
    return constant >= 0 and all(isinstance(leaf, Size) and k > 0 for leaf, k in parts.items())


def _order(leaf: Expr) -> tuple[int, str, int]:
    from graphc.equations.expr import Index, Size

    if isinstance(leaf, Index):
        return 1, leaf.name, leaf.uid
    if isinstance(leaf, Size):
        return 0, leaf.name, 0
    return 2, "", leaf.uid  # not its address: a system compiles to the same in each process


def wrapped(k: int) -> int:
    """`k` modulo 2**64, as a signed integer of 64 bits."""
    return (k + 2**63) % 2**64 - 2**63


def affine_sum(parts: dict[Expr, int], constant: int) -> Expr:
    """The normal form of an integer sum: sizes, then indices, then the rest, then the constant."""
    total: Expr | None = None
    if any(leaf.kind == "int" for leaf in parts):  # as 64 bits multiply and add
        parts, constant = {leaf: wrapped(k) for leaf, k in parts.items()}, wrapped(constant)
    for leaf in sorted(parts, key=_order):
        k = parts[leaf]
        if not k:
            continue
        size = abs(k) if k != _LEAST else k
        term = leaf if size == 1 else Op("mul", (Const(size), leaf))
        if total is None:
            total = term if k > 0 else Op("neg", (leaf,)) if k == -1 else Op("mul", (Const(k), leaf))
        else:
            total = Op("add" if size == k else "sub", (total, term))
    if total is None:
        return Const(constant)
    if constant:
        size = abs(constant) if constant != _LEAST else constant
        return Op("add" if size == constant else "sub", (total, Const(size)))
    return total


def _integer_normal_form(name: str, args: tuple[Expr, ...]) -> Expr | None:
    if name == "mul":
        a, b = args
        if isinstance(b, Const) and not isinstance(a, Const):
            a, b = b, a
        if not isinstance(a, Const):
            return None
        parts, c = affine_parts(b)
        k = int(a.value)
        return affine_sum({leaf: k * v for leaf, v in parts.items()}, k * c)
    raw = Op(name, args)
    return affine_sum(*affine_parts(raw))


def _fold(name: str, args: tuple[Expr, ...]) -> Expr | None:
    """Arithmetic on integer and rational literals, exactly; floats are left to run time except for + - * by it."""
    values = [a.value for a in args if isinstance(a, Const)]
    if len(values) != len(args) or any(isinstance(v, bool) for v in values):
        return None
    if all(isinstance(v, int | Fraction) for v in values):
        exact = [Fraction(v) for v in values]
        match name, exact:
            case "add", [a, b]:
                return Const(a + b)
            case "sub", [a, b]:
                return Const(a - b)
            case "mul", [a, b]:
                return Const(a * b)
            case "neg", [a]:
                return Const(-a)
            case "div", [a, b] if b != 0:
                return Const(a / b)
            case "pow", [a, b] if b.denominator == 1 and abs(b) <= 64 and (a != 0 or b >= 0):
                return Const(a ** int(b))
            case "maximum", [a, b]:
                return Const(max(a, b))
            case "minimum", [a, b]:
                return Const(min(a, b))
            case "floor", [a]:
                return Const(a.numerator // a.denominator)
            case "floordiv", [a, b] if b != 0:
                return Const(a // b)
            case "mod", [a, b] if b != 0:
                return Const(a - b * (a // b))
            case bent, [i, n] if bent in BENT and n >= 1:
                return Const(BENT[bent].bent(Kit(), i, n))
            case (("lt" | "le" | "gt" | "ge" | "eq" | "ne"), [a, b]):
                return Const({"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}[name])
    elif name == "neg":
        return Const(-values[0])
    return None


def _add(args: tuple[Expr, ...]) -> Expr | None:
    a, b = args
    if a is ZERO:
        return b  # 0 + x -> x
    if b is ZERO:
        return a  # x + 0 -> x
    match b:
        case Op(name="neg", args=(c,)):
            return Op("sub", (a, c))  # x + -y -> x - y
    match a:
        case Op(name="neg", args=(c,)):
            return Op("sub", (b, c))  # -x + y -> y - x
    return None


def _sub(args: tuple[Expr, ...]) -> Expr | None:
    a, b = args
    if b is ZERO:
        return a  # x - 0 -> x
    if a is ZERO:
        return simplify("neg", (b,))  # 0 - x -> -x
    match b:
        case Op(name="neg", args=(c,)):
            return simplify("add", (a, c))  # x - -y -> x + y
    return None


def _mul(args: tuple[Expr, ...]) -> Expr | None:
    a, b = args
    if isinstance(b, Const) and not isinstance(a, Const):
        a, b = b, a  # x*c -> c*x
    if a is ZERO:
        return ZERO  # 0*x -> 0
    if a is ONE:
        return b  # 1*x -> x
    if isinstance(a, Const) and a.value == -1 and isinstance(a.value, int):
        return simplify("neg", (b,))  # -1*x -> -x
    match a, b:
        case Op(name="neg", args=(c,)), Op(name="neg", args=(d,)):
            return simplify("mul", (c, d))  # -x * -y -> x*y
        case Op(name="neg", args=(c,)), _:
            return simplify("neg", (simplify("mul", (c, b)),))  # -x * y -> -(x*y)
        case _, Op(name="neg", args=(d,)):
            return simplify("neg", (simplify("mul", (a, d)),))  # x * -y -> -(x*y)
    return None if (a, b) == args else Op("mul", (a, b))


def _div(args: tuple[Expr, ...]) -> Expr | None:
    a, b = args
    if b is ONE:
        return a  # x / 1 -> x
    if a is ZERO:
        return ZERO  # 0 / x -> 0
    match a:
        case Op(name="neg", args=(c,)):
            return simplify("neg", (simplify("div", (c, b)),))  # -x / y -> -(x/y)
    return None


def _neg(args: tuple[Expr, ...]) -> Expr | None:
    match args:
        case (Op(name="neg", args=(c,)),):
            return c  # --x -> x
        case (Op(name="sub", args=(c, d)),):
            return Op("sub", (d, c))  # -(x - y) -> y - x
    return None


def _pow(args: tuple[Expr, ...]) -> Expr | None:
    base, exponent = args
    if exponent is ONE:
        return base  # x**1 -> x
    if exponent is ZERO:
        return ONE  # x**0 -> 1
    match exponent:
        case Const(value=2):
            return Op("mul", (base, base))  # x**2 -> x*x
        case Const(value=-1):
            return simplify("div", (ONE, base))  # x**-1 -> 1/x
        case Const(value=Fraction(numerator=1, denominator=2)):
            return Op("sqrt", (base,))  # x**(1/2) -> sqrt(x)
        case Const(value=Fraction(numerator=-1, denominator=2)):
            return simplify("div", (ONE, Op("sqrt", (base,))))  # x**(-1/2) -> 1/sqrt(x)
    return None


def _select(args: tuple[Expr, ...]) -> Expr | None:
    cond, yes, no = args
    match cond:
        case Const(value=True):
            return yes  # select(true, x, y) -> x
        case Const(value=False):
            return no  # select(false, x, y) -> y
    return yes if yes is no else None  # select(c, x, x) -> x


def _only(args: tuple[Expr, ...]) -> Expr | None:
    condition, place = args
    if isinstance(condition, Const) and condition.value and any(isinstance(n, Read) for n in postorder(place)):
        return place  # only(true, J[i]) -> J[i]; of a place without data `only` says that the run must look at it
    return None


def _log(args: tuple[Expr, ...]) -> Expr | None:
    match args:
        case (Op(name="exp", args=(x,)),):
            return x  # log(exp(x)) -> x
    return None


def _same(args: tuple[Expr, ...]) -> Expr | None:
    return args[0] if args[0] is args[1] else None  # max(x, x) -> x


def _and(args: tuple[Expr, ...]) -> Expr | None:
    a, b = args
    for p, q in ((a, b), (b, a)):
        match p:
            case Const(value=True):
                return q  # true and x -> x
            case Const(value=False):
                return p  # false and x -> false
    return None


def _or(args: tuple[Expr, ...]) -> Expr | None:
    a, b = args
    for p, q in ((a, b), (b, a)):
        match p:
            case Const(value=False):
                return q  # false or x -> x
            case Const(value=True):
                return p  # true or x -> true
    return None


def _eq(args: tuple[Expr, ...]) -> Expr | None:
    return Const(True) if args[0] is args[1] and _is_int(args[0]) else None  # i == i -> true, of integers


def _divided(args: tuple[Expr, ...]) -> tuple[dict[Expr, int], int, dict[Expr, int], int, int] | None:
    """An integer over a literal d: what d divides (leaves, constant), and the rest, its constant in (-d, 0]."""
    a, b = args
    if not (_is_int(a) and isinstance(b, Const) and isinstance(b.value, int) and b.value > 0):
        return None
    d = b.value
    parts, c = affine_parts(a)
    whole = {leaf: k // d for leaf, k in parts.items() if k % d == 0}
    rest = {leaf: k for leaf, k in parts.items() if k % d}
    up = -(-c // d)
    return whole, up, rest, c - up * d, d


def _floordiv(args: tuple[Expr, ...]) -> Expr | None:
    found = _divided(args)
    if found is None or not (found[0] or found[1] or not found[2]):
        return None
    whole, c, rest, r, d = found
    inner = affine_sum(rest, r)  # (d*x + y) // d -> x + y // d
    quotient = _fold("floordiv", (inner, Const(d))) or Op("floordiv", (inner, Const(d)))
    return simplify("add", (affine_sum(whole, c), quotient))


def _mod(args: tuple[Expr, ...]) -> Expr | None:
    found = _divided(args)
    if found is None or not (found[0] or found[1] or not found[2]):
        return None
    inner = affine_sum(found[2], found[3])  # (d*x + y) % d -> y % d
    return _fold("mod", (inner, Const(found[4]))) or Op("mod", (inner, Const(found[4])))


RULES: dict[str, Rule] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "pow": _pow,
    "select": _select,
    "only": _only,
    "log": _log,
    "maximum": _same,
    "minimum": _same,
    "and": _and,
    "or": _or,
    "eq": _eq,
    "floordiv": _floordiv,
    "mod": _mod,
}
_INTEGER = frozenset(("add", "sub", "neg", "mul"))


@cached
def simplify(name: str, args: tuple[Expr, ...]) -> Expr:
    """The operation `name` of `args` in normal form; four of five questions have been asked before."""
    folded = _fold(name, args)
    if folded is not None:
        return folded
    if name in _INTEGER and any(a.kind == "int" for a in args):
        args = tuple(Const(wrapped(a.value)) if isinstance(a, Const) and type(a.value) is int else a for a in args)
    if name in _INTEGER and all(_is_int(a) for a in args) and not all(isinstance(a, Read) for a in args):
        normal = _integer_normal_form(name, args)
        if normal is not None:
            return normal
    rule = RULES.get(name)
    found = rule(args) if rule else None
    return Op(name, args) if found is None else found
