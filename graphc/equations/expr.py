"""Scalar expressions: what stands on the right of an equation, at one point of its domain.

    Expr = Const(value) | Size(name) | Index(name) | Read(tensor, subs: Expr...) | Op(name, args: Expr...)

Nodes are frozen and hash-consed: equal expressions are one object, so `is` and `==` agree and dictionaries keyed by
expressions are cheap. Subscripts are integer expressions like any other; what is affine about them is asked in
`domain`. Build with `make(op, ...)` or Python's operators: constructors simplify (see `RULES` in `simplify`).
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from graphc.equations.system import Tensor

Number = int | float | Fraction | bool
P = ParamSpec("P")
R = TypeVar("R")

_CACHES: list[Callable[[], None]] = []


def cached(f: Callable[P, R]) -> Callable[P, R]:
    """`f`, a function of expressions, with its results kept until `forget`: they would keep dead expressions alive."""
    found = lru_cache(maxsize=1 << 14)(f)
    _CACHES.append(found.cache_clear)
    return cast("Callable[P, R]", found)


def forget() -> None:
    """Drop all that was kept by `cached`."""
    for clear in _CACHES:
        clear()


_TABLE: weakref.WeakValueDictionary[tuple[Any, ...], Expr] = weakref.WeakValueDictionary()
TABLE_LOCK = threading.RLock()
_UIDS = count()

# The kinds a value can have, each able to stand where a later one is wanted. `weak` is an integer that adapts to its
# surroundings (literals, indices, sizes), as NumPy's Python scalars do.
KINDS = ("bool", "weak", "int", "real")


def as_float(value: Any) -> float:
    """A number as a float, infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def join(*kinds: str) -> str:
    """The smallest kind that holds values of all these kinds."""
    return max(kinds, key=KINDS.index) if kinds else "weak"


class Expr:
    """A node. `kind` is one of KINDS; `args` are the children, in order; `uid` tells which were made before which."""

    __slots__ = ("__weakref__", "args", "kind", "uid")
    args: tuple[Expr, ...]
    kind: str
    uid: int

    def __new__(cls, *_: Any) -> Any:
        self = object.__new__(cls)
        self.uid = next(_UIDS)
        return self

    def __add__(self, other: Expr | Number) -> Expr:
        return make("add", self, other)

    def __radd__(self, other: Expr | Number) -> Expr:
        return make("add", other, self)

    def __sub__(self, other: Expr | Number) -> Expr:
        return make("sub", self, other)

    def __rsub__(self, other: Expr | Number) -> Expr:
        return make("sub", other, self)

    def __mul__(self, other: Expr | Number) -> Expr:
        return make("mul", self, other)

    def __rmul__(self, other: Expr | Number) -> Expr:
        return make("mul", other, self)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return make("div", self, other)

    def __rtruediv__(self, other: Expr | Number) -> Expr:
        return make("div", other, self)

    def __neg__(self) -> Expr:
        return make("neg", self)

    def __pow__(self, other: Expr | Number) -> Expr:
        return make("pow", self, other)

    def __repr__(self) -> str:
        from graphc.equations.printing import show

        return show(self)


def _intern(key: tuple[Any, ...], build: Callable[[], Any]) -> Any:
    with TABLE_LOCK:
        found = _TABLE.get(key)
        if found is None:
            found = _TABLE.setdefault(key, build())
        return found


class Const(Expr):
    """A literal: int, float, Fraction or bool. Integers are `weak`, fractions and floats `real`."""

    __slots__ = ("value",)
    value: Number

    def __new__(cls, value: Number) -> Const:
        if isinstance(value, Fraction) and value.denominator == 1:
            value = int(value)

        def build() -> Const:
            self = Expr.__new__(cls)
            self.value, self.args = value, ()
            fits = isinstance(value, int) and -(2**63) <= value < 2**63  # larger ones are real numbers, as in NumPy
            self.kind = "bool" if isinstance(value, bool) else "weak" if fits else "real"
            return self

        return _intern((cls, type(value), repr(value)), build)

    def __reduce__(self) -> tuple[Any, ...]:
        return Const, (self.value,)


class Size(Expr):
    """A symbolic size, known at compile or call time."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str) -> Size:
        def build() -> Size:
            self = Expr.__new__(cls)
            self.name, self.args, self.kind = name, (), "weak"
            return self

        return _intern((cls, name), build)

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (self.name,)


class Index(Expr):
    """An iteration variable. Each construction is a new one: its identity, not its name, tells it from others."""

    __slots__ = ("name",)
    name: str

    def __init__(self, name: str) -> None:
        self.name, self.args, self.kind = name, (), "weak"

    def __reduce__(self) -> tuple[Any, ...]:
        return Index, (self.name,)


class Read(Expr):
    """The element of `tensor` at the point `subs` (one integer expression per axis)."""

    __slots__ = ("tensor",)
    tensor: Tensor

    def __new__(cls, tensor: Tensor, subs: tuple[Expr, ...]) -> Read:
        assert len(subs) == len(tensor.dims), (tensor.name, subs)

        def build() -> Read:
            self = Expr.__new__(cls)
            self.tensor, self.args, self.kind = tensor, tuple(subs), tensor.kind
            return self

        return _intern((cls, tensor, *subs), build)

    @property
    def subs(self) -> tuple[Expr, ...]:
        return self.args

    def __reduce__(self) -> tuple[Any, ...]:
        return Read, (self.tensor, self.args)


class Op(Expr):
    """A scalar operation of the table in `ops`. Use `make`, which simplifies; `Op` itself does not."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, args: tuple[Expr, ...]) -> Op:
        from graphc.equations.ops import OPS

        def build() -> Op:
            self = Expr.__new__(cls)
            self.name, self.args = name, args
            self.kind = OPS[name].result_kind(args)
            return self

        return _intern((cls, name, *args), build)

    def __reduce__(self) -> tuple[Any, ...]:
        return Op, (self.name, self.args)


def as_expr(value: Expr | Number) -> Expr:
    """A literal becomes a `Const`, an expression stays itself."""
    return value if isinstance(value, Expr) else Const(value)


def make(name: str, *args: Expr | Number) -> Expr:
    """The operation `name` of these arguments, simplified."""
    from graphc.equations.simplify import simplify

    return simplify(name, tuple(as_expr(a) for a in args))


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """`node` with other children, simplified; leaves stay themselves."""
    if args == node.args:
        return node
    if isinstance(node, Read):
        return Read(node.tensor, args)
    assert isinstance(node, Op)
    return make(node.name, *args)


def postorder(*roots: Expr) -> Iterator[Expr]:
    """Every distinct node below `roots`, children before parents; no recursion."""
    known = _short_order(roots[0]) if len(roots) == 1 else None
    return _walk(roots) if known is None else iter(known)


@cached
def _short_order(root: Expr) -> tuple[Expr, ...] | None:
    """The order of a small expression, asked for again and again; None for one of many nodes."""
    found = tuple(islice(_walk((root,)), 101))
    return found if len(found) <= 100 else None


def _walk(roots: tuple[Expr, ...]) -> Iterator[Expr]:
    seen: set[Expr] = set()
    for root in roots:
        stack: list[tuple[Expr, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                yield node
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(node.args))


def above_reads(root: Expr) -> list[Expr]:
    """The distinct nodes of `root`, children first, with reads as leaves: subscripts are not entered."""
    seen: dict[Expr, bool] = {}
    stack = [(root, False)]
    found: list[Expr] = []
    while stack:
        node, ready = stack.pop()
        if ready:
            found.append(node)
        elif node not in seen:
            seen[node] = True
            stack.append((node, True))
            if not isinstance(node, Read):
                stack.extend((child, False) for child in reversed(node.args))
    return found


def transform(root: Expr, visit: Callable[[Expr], Expr | None]) -> Expr:
    """Rebuild `root` bottom-up; `visit` gets each node with new children and may return a replacement."""
    done: dict[Expr, Expr] = {}
    for node in postorder(root):
        new = rebuild(node, tuple(done[child] for child in node.args))
        replacement = visit(new)
        done[node] = new if replacement is None else replacement
    return done[root]


def substitute(root: Expr, mapping: Mapping[Any, Expr]) -> Expr:
    """Replace whole subexpressions (keys) simultaneously; what is put in is not searched again."""
    if not any(node in mapping for node in postorder(root)):
        return root
    done: dict[Expr, Expr] = {}
    for node in postorder(root):
        if node in mapping:
            done[node] = mapping[node]
        else:
            done[node] = rebuild(node, tuple(done[child] for child in node.args))
    return done[root]


def of_kind(value: Expr, kind: str) -> Expr:
    """`value`, put in the place of a read of a tensor of that kind: computed with as what the tensor holds, since
    integers wrap at 64 bits and reals do not. Of small literals nothing is lost, so they stay literals."""
    if value.kind == kind or (isinstance(value, Const) and -(2**15) < value.value < 2**15):
        return value
    if kind == "real" and isinstance(value, Const):
        return Const(as_float(value.value))
    return make("toreal" if kind == "real" else "toint", value)


def conjuncts(condition: Expr) -> list[Expr]:
    """The conditions that all hold where `condition` does, none of them an `and`."""
    todo, found = [condition], dict[Expr, None]()
    while todo:
        c = todo.pop()
        if isinstance(c, Op) and c.name == "and":
            todo += reversed(c.args)
        else:
            found[c] = None
    return list(found)


def all_of(conditions: Iterable[Expr]) -> Expr:
    """The condition that all of these hold."""
    found: Expr = Const(True)
    for c in conditions:
        found = make("and", found, c)
    return found


def place_of(sub: Expr) -> Expr:
    """Where a subscript points at, if anywhere: i of `only(c, i)`."""
    return sub.args[1] if isinstance(sub, Op) and sub.name == "only" else sub


def is_sum(e: Expr) -> bool:
    """Whether this is a sum or a difference of real numbers."""
    return isinstance(e, Op) and e.name in ("add", "sub") and e.kind == "real"


def reads(root: Expr) -> list[Read]:
    """All distinct reads in `root`, those inside subscripts too."""
    return [node for node in postorder(root) if isinstance(node, Read)]


def indices_of(root: Expr) -> set[Index]:
    """The iteration variables that occur in `root`."""
    return {node for node in postorder(root) if isinstance(node, Index)}


def factors(e: Expr) -> Iterator[Read]:
    """The reads that multiply the value: through products, whole powers, signs and numerators."""
    todo = [e]
    while todo:
        match todo.pop():
            case Read() as read:
                yield read
            case Op(name="mul", args=args):
                todo.extend(args)
            case Op(name="neg", args=(a,)) | Op(name="div", args=(a, _)):
                todo.append(a)
            case Op(name="pow", args=(a, Const(value=int(n)))) if n > 0:
                todo.append(a)
