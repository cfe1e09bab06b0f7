"""The representation: a system of equations over integer domains.

    System   = sizes, inputs, equations                     a program; transforms are System -> System
    Equation = tensor, reduce, defined, terms               each element of `defined` is the reduction of all
                                                            contributions to it (none: the reduction's identity)
    Term     = domain, write, value                         tensor[write(p)] (+)= value(p) for every p in domain

`reduce` is "assign" (the terms' images are disjoint: exactly one contribution each), "sum", "prod", "max" or "min".
Tensors have identity, not only a name; `origin` says which equation of the user's a thing comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import islpy as isl

from graphc.equations.domain import Domain, assume, box_set, is_affine, size_name, size_names
from graphc.equations.expr import Expr, Index, Op, Read, Size, above_reads, as_expr, reads, transform
from graphc.equations.graphs import reached
from graphc.equations.ops import OWN


@dataclass(frozen=True)
class Origin:
    """Where something comes from: the user's equation (turned into text when asked for), its place in the source."""

    source: object
    file: str = ""
    line: int = 0

    @cached_property
    def equation(self) -> str:
        return str(self.source)

    def __str__(self) -> str:
        return self.equation


@dataclass(frozen=True, eq=False)
class Tensor:
    """A name with dimensions. role: "input", "param" or "tensor"; kind: "real" or "int". `joined`: the axes that are
    one with the axis before, row by row, to who calls: (T, H, D) with joined (2,) is an array of `shape` (T, H*D)."""

    name: str
    dims: tuple[Expr, ...] = ()
    role: str = "tensor"
    kind: str = "real"
    dtype: str | None = None
    origin: Origin | None = None
    joined: tuple[int, ...] = ()

    @property
    def given(self) -> bool:
        return self.role != "tensor"

    @property
    def auxiliary(self) -> bool:
        """Whether the compiler named this tensor: a user's, or what derives from it, has a name for its origin."""
        return not self.given and (self.origin is None or not self.origin.equation.isidentifier())

    @cached_property
    def shape(self) -> tuple[Expr, ...]:
        """The dimensions of the arrays that callers have."""
        found: list[Expr] = []
        for k, dim in enumerate(self.dims):
            if k in self.joined:
                found[-1] = found[-1] * dim
            else:
                found.append(dim)
        return tuple(found)

    @cached_property
    def box(self) -> isl.Set:
        """The declared elements."""
        return box_set(self.dims)

    def __getitem__(self, subs: tuple[Expr | int, ...] | Expr | int) -> Read:
        return Read(self, tuple(as_expr(s) for s in (subs if isinstance(subs, tuple) else (subs,))))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.shape))})"


@dataclass(frozen=True, eq=False)
class Term:
    """tensor[write(p)] (+)= value(p) for every p of domain."""

    domain: Domain
    write: tuple[Expr, ...]
    value: Expr
    origin: Origin | None = None

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """The distinct reads of the value and of the write subscripts."""
        return tuple(dict.fromkeys(n for e in (self.value, *self.write) for n in reads(e)))

    @property
    def reduced(self) -> tuple[Index, ...]:
        """The indices of the domain that are not determined by the element written: those summed over."""
        from graphc.equations.expr import indices_of

        written = set().union(*(indices_of(w) for w in self.write)) if self.write else set()
        return tuple(i for i in self.domain.indices if i not in written)


@dataclass(frozen=True, eq=False)
class Equation:
    """All that defines one tensor."""

    tensor: Tensor
    reduce: str
    defined: isl.Set
    terms: tuple[Term, ...]
    origin: Origin | None = None

    def reads(self) -> Iterator[tuple[Term, Read]]:
        """Every read of every term, those in write subscripts too."""
        for term in self.terms:
            for read in term.reads:
                yield term, read

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.tensor, self.reduce, str(self.defined), self.terms, self.origin)


def _restore(tensor: Tensor, reduce: str, defined: str, terms: tuple[Term, ...], origin: Origin | None) -> Equation:
    return Equation(tensor, reduce, isl.Set(defined), terms, origin)


def reads_of(term: Term) -> list[Read]:
    """The distinct reads of a term: of its value and of its write subscripts."""
    return list(term.reads)


@dataclass(frozen=True, eq=False)
class System:
    """Equations in any order, no tensor defined by two of them. Of sizes, by name: `fixed` has the values baked in,
    `least` the least values that were promised, `composed` what those stand for that are composed of others (`H*D`)."""

    inputs: tuple[Tensor, ...]
    equations: tuple[Equation, ...]
    fixed: dict[str, int] = field(default_factory=dict)
    least: dict[str, int] = field(default_factory=dict)
    composed: dict[str, Expr] = field(default_factory=dict)

    @cached_property
    def by_tensor(self) -> dict[Tensor, Equation]:
        return {eq.tensor: eq for eq in self.equations}

    @cached_property
    def by_name(self) -> dict[str, Tensor]:
        return {t.name: t for t in self.tensors}

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.inputs + tuple(eq.tensor for eq in self.equations)

    @cached_property
    def extents(self) -> tuple[Expr, ...]:
        """Every dimension that some tensor has."""
        return tuple(dict.fromkeys(d for t in self.tensors for d in t.dims))

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """Names of all sizes, sorted; those that composed ones are made of among them."""
        found: set[str] = size_names(*self.extents)
        for eq in self.equations:
            for term in eq.terms:
                found |= size_names(term.value, *term.write)
                found |= {size_name(n) for n in term.domain.set.get_var_names(isl.dim_type.param)}
        return tuple(sorted(found | size_names(*(e for name, e in self.composed.items() if name in found))))

    @cached_property
    def context(self) -> isl.Set:
        """What may be assumed of the sizes: at least 1 or what was promised, and no declared dimension negative; a
        product is no less than its factors, a quotient no more than what is divided."""
        return assume(self.sizes, (*self.extents, *self._differences()), own=self.least)

    def _differences(self) -> Iterator[Expr]:
        """What of composed sizes and those they are made of is never negative, for sizes of at least 1."""
        for name in self.sizes:
            match self.composed.get(name):
                case Op(name="mul") as product:
                    parts = factors(product)
                    yield from (Size(name) - f for f in parts if isinstance(f, Size))
                    for f in parts if len(parts) == 2 else ():
                        if isinstance(f, Op) and f.name == "floordiv" and f.args[1] in parts and is_affine(f.args[0]):
                            yield f.args[0] - Size(name)
                case Op(name="floordiv", args=(a, _)) if is_affine(a):
                    yield a - Size(name)

    def defined(self, tensor: Tensor) -> isl.Set:
        """The elements of a tensor that exist: the declared box of an input, what the equations define otherwise."""
        return tensor.box if tensor.given else self.by_tensor[tensor].defined

    def with_equations(self, equations: Iterable[Equation]) -> System:
        return replace(self, equations=tuple(equations))

    def fresh_name(self, wanted: str) -> str:
        """`wanted`, or with a number behind it, so that no tensor has it yet."""
        taken = {t.name for t in self.tensors}
        name, k = wanted, 1
        while name in taken:
            k += 1
            name = f"{wanted}_{k}"
        return name

    def __repr__(self) -> str:
        from graphc.equations.printing import show_system

        return show_system(self)


def without_derivatives(system: System) -> System:
    """`system` less what only differentiation looks at: functions with derivatives of their own are their values. The
    first thing that the interpreter and the compiler do."""

    def value(node: Expr) -> Expr | None:
        if not (isinstance(node, Op) and node.name.startswith(OWN)):
            return None
        inner = node.args[0]
        return inner.args[0] if isinstance(inner, Op) and inner.name == "stop" else inner

    if not any(value(n) for eq in system.equations for t in eq.terms for n in above_reads(t.value)):
        return system
    return system.with_equations(
        replace(eq, terms=tuple(replace(t, value=transform(t.value, value)) for t in eq.terms))
        for eq in system.equations
    )


def dependencies(system: System, tensors: Iterable[Tensor]) -> set[Tensor]:
    """All tensors that these depend on, themselves included."""
    return reached({t: [read.tensor for _, read in eq.reads()] for t, eq in system.by_tensor.items()}, tensors)


def factors(e: Expr) -> list[Expr]:
    """What a product is made of, each as often as it stands there."""
    match e:
        case Op(name="mul", args=(a, b)):
            return [*factors(a), *factors(b)]
    return [e]


def make_sizes(*names: str) -> tuple[Size, ...]:
    return tuple(Size(n) for n in names)
