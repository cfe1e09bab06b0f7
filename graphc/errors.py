"""What graphc says when a program is wrong: one base class, one class per kind of mistake.

Every message names the equation as the user wrote it, what is wrong (with both values or a concrete
point), and a mend.
"""


class GraphcError(Exception):
    """Base of every error graphc raises on purpose. `open`: sizes that might mend it, were they numbers; the
    fewest first."""

    open: tuple[frozenset[str], ...] = ()


class ShapeError(GraphcError, ValueError):
    """Two sizes or ranks that must agree do not."""


class DomainError(GraphcError, IndexError):
    """A read can leave the set of elements its tensor defines."""


class CausalityError(GraphcError, ValueError):
    """A cycle of equations on which no index makes progress."""


class DefinitionError(GraphcError, ValueError):
    """Something is undefined, or defined twice."""


class ArgumentError(GraphcError, TypeError):
    """A call's argument has the wrong shape or dtype, is missing, or is unknown."""


class UnsupportedError(GraphcError, NotImplementedError):
    """Meaningful, but graphc cannot do it; the message says what to write instead."""


def counted(n: int, one: str, many: str = "") -> str:
    """`1 axis`, `2 axes`."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def complain(what: str, where: str, mend: str = "") -> str:
    """The form of every message: what is wrong, in which equation, what to do."""
    return f"{what}\n  in {where}" + (f"\n  {mend}" if mend else "")
