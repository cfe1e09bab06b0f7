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

from graphc.equations.domain import Domain, assume, box_set, size_name, size_names
from graphc.equations.expr import Expr, Index, Op, Read, Size, above_reads, as_expr, reads, transform
from graphc.equations.ops import OWN


@dataclass(frozen=True)
class Origin:
    """Where something comes from: the user's equation (turned into text when asked for), its place in the source."""

    source: object
    file: str = ""
    line: int = 0

    @property
    def equation(self) -> str:
        return str(self.source)

    def __str__(self) -> str:
        return self.equation


@dataclass(frozen=True, eq=False)
class Tensor:
    """A name with dimensions. role: "input", "param" or "tensor"; kind: "real" or "int"."""

    name: str
    dims: tuple[Expr, ...] = ()
    role: str = "tensor"
    kind: str = "real"
    dtype: str | None = None
    origin: Origin | None = None

    @property
    def given(self) -> bool:
        return self.role != "tensor"

    @property
    def auxiliary(self) -> bool:
        """Whether the compiler named this tensor: a user's, or what derives from it, has a name for its origin."""
        return not self.given and (self.origin is None or not self.origin.equation.isidentifier())

    @cached_property
    def box(self) -> isl.Set:
        """The declared elements."""
        return box_set(self.dims)

    def __getitem__(self, subs: tuple[Expr | int, ...] | Expr | int) -> Read:
        return Read(self, tuple(as_expr(s) for s in (subs if isinstance(subs, tuple) else (subs,))))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.dims))})"


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
    `least` the least values that were promised."""

    inputs: tuple[Tensor, ...]
    equations: tuple[Equation, ...]
    fixed: dict[str, int] = field(default_factory=dict)
    least: dict[str, int] = field(default_factory=dict)

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
        """Names of all sizes, sorted."""
        found: set[str] = size_names(*self.extents)
        for eq in self.equations:
            for term in eq.terms:
                found |= size_names(term.value, *term.write)
                found |= {size_name(n) for n in term.domain.set.get_var_names(isl.dim_type.param)}
        return tuple(sorted(found))

    @cached_property
    def context(self) -> isl.Set:
        """What may be assumed of the sizes: at least 1 or what was promised, and no declared dimension negative."""
        return assume(self.sizes, self.extents, own=self.least)

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
    """`system` less what only differentiation looks at: functions with derivatives of their own are their values."""

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
    found: set[Tensor] = set()
    todo = list(tensors)
    while todo:
        t = todo.pop()
        if t in found:
            continue
        found.add(t)
        if t in system.by_tensor:
            todo.extend(read.tensor for _, read in system.by_tensor[t].reads())
    return found


def make_sizes(*names: str) -> tuple[Size, ...]:
    return tuple(Size(n) for n in names)
