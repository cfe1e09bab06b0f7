"""`System`: what a user holds. Equations are lowered when it is made; a method is a line to the stage that does it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import sympy as sp

from graphc.errors import ArgumentError, DefinitionError, ShapeError, UnsupportedError
from graphc.language import symbols as sy
from graphc.language.notation import D
from graphc.waiting import Waiting, locked

if TYPE_CHECKING:  # everything else is imported where it is used: `import graphc` loads SymPy and little more
    from graphc.equations.system import System as Representation
    from graphc.equations.system import Tensor as IRTensor

Output = str | sy.Tensor


class System(Waiting):
    """A set of equations, in any order; it is checked when it is made. `sizes` has numbers for some sizes.

    What only such numbers make affine (`Eq(y[S*t + k], ..)`) waits for them, here or in `compile(sizes={"S": 2})`.

    Raises ShapeError, DomainError, CausalityError, DefinitionError or UnsupportedError."""

    def __init__(self, *equations: sp.Eq, sizes: Mapping[Any, int] | None = None) -> None:
        frame = sys._getframe(1)
        self.equations = tuple(_flat(equations))
        self._place, self._sizes = (frame.f_code.co_filename, frame.f_lineno), _by_name(sizes)
        self._tensors: dict[sy.Tensor, IRTensor] = {}
        self._axes: dict[str, set[tuple[IRTensor, int]]] = {}
        self._open: frozenset[str] = frozenset()
        self._lower()

    @classmethod
    def _of(
        cls,
        ir: Representation,
        like: System,
        tensors: Mapping[sy.Tensor, IRTensor] | None = None,
        made: tuple[Callable[..., System], tuple[Any, ...]] | None = None,
    ) -> System:
        """A system that a transform made from `like`."""
        self = object.__new__(cls)
        self._ir, self._open, self._made = ir, like._open, made if like._open else None
        known = set(ir.tensors)

        def same(t: IRTensor) -> IRTensor:
            """`t`, or what a transform has put in its place: the tensor of its name."""
            return t if t in known else ir.by_name.get(t.name, t)

        self._tensors = {u: same(t) for u, t in {**like._tensors, **(tensors or {})}.items()}
        self._axes = {name: {(same(t), k) for t, k in axes} for name, axes in like._axes.items()}
        return self

    # -- what a system can do -------------------------------------------------------------------------------------

    def evaluate(
        self, /, *outputs: Output, sizes: Mapping[Any, int] | None = None, exact: bool = False, **arguments: Any
    ) -> Any:
        """The reference meaning, by the plainest possible interpreter: one array, or a tuple of them."""
        from graphc.reference.evaluate import evaluate

        if not isinstance(exact, bool):
            raise ArgumentError("exact= is True or False\n  An input or a size of that name must be called otherwise")
        system = self._at_shapes(_by_name(sizes), arguments)._with_gradients(outputs)
        wanted = system._outputs(outputs)
        given, more = system._split(arguments)
        with locked():
            found = evaluate(system.ir, wanted, given, _by_name(sizes) | more, exact)
        return found[0] if len(wanted) == 1 else tuple(found)

    def compile(
        self,
        *outputs: Output,
        sizes: Mapping[Any, int] | None = None,
        dtype: str = "float64",
        unfold: Any = "auto",
        threads: int | None = None,
        update: Mapping[Any, Any] | None = None,
    ) -> Any:
        """A native function of the arguments by name. `update={W: W_next}` writes the new value over the argument.

        `sizes` are baked in; the others are read from the arguments at each call. `dtype` is that of real numbers:
        float64, float32 or int64. Recurrences become loops (`unfold="auto"` and False), or are written out (True; their
        lengths must be given). A call runs on one thread: `threads` above 1 is an UnsupportedError.
        """
        from graphc.compiler import compile

        if not isinstance(update, Mapping | None):
            raise ArgumentError(
                f"update={update!r} does not say which argument gets which value\n  Write update={{W: W_next}}"
            )
        system = self._at(_by_name(sizes))._with_gradients([*outputs, *(update or {}).values()])
        updates = {system.tensor(k): system.tensor(v) for k, v in (update or {}).items()}
        wanted = system._outputs(outputs) if outputs or not updates else []
        return compile(
            system.ir, wanted, sizes=_by_name(sizes), dtype=dtype, unfold=unfold, threads=threads, update=updates
        )

    def grad(self, loss: Output, wrt: Any = None) -> System:
        """A system that also defines D(loss, W) for each W in `wrt`, or for every Param."""
        from graphc.transforms.differentiate import gradients

        if self._ir is None:
            return self._later(System.grad, loss, wrt)
        scalar = self.tensor(loss)
        names = [t for t in self._tensors if t.role == "param"] if wrt is None else _flat([wrt])
        targets = [self.tensor(w) for w in names]
        for w in targets:
            if w.kind == "int":
                raise DefinitionError(
                    f"D({scalar.name}, {w.name}): {w.name} holds integers, and has no gradient\n"
                    "  Leave it out of wrt=[..]"
                )
        with locked():
            ir, found = gradients(self.ir, scalar, targets)
        users = {i: u for u, i in self._tensors.items()}
        new = {D(users[scalar], users[t]): g for t, g in found.items() if scalar in users and t in users}
        return System._of(ir, self, new, (System.grad, (self, _named(loss), [_named(w) for w in names])))

    def unfold(self, t: Any, n: int) -> System:
        """The system without its recurrence over the index `t`, written out for `n` steps."""
        from graphc.equations.domain import size_names
        from graphc.equations.sizes import dim_value, whole
        from graphc.transforms.unfold import steps_of, unfold

        if self._ir is None:
            return self._later(System.unfold, t, n)
        name = str(t)
        if name not in self._axes:
            raise DefinitionError(
                f"no left side has the index {name}\n  There are {', '.join(sorted(self._axes)) or 'none'}"
            )
        if whole("of steps", n) < 1:
            raise ArgumentError(f"unfold({name}, {n}): there is no step to write out\n  Give at least 1")
        axes = dict(sorted(self._axes[name], key=lambda pair: pair[0].name))
        lengths = size_names(*(tensor.dims[axis] for tensor, axis in axes.items())) - self.ir.fixed.keys()
        if len(lengths) > 1:
            raise UnsupportedError(
                f"unfold({name}, {n}): {name} runs over axes of several sizes, {', '.join(sorted(lengths))}\n"
                "  Use an index of its own for each, or compile(sizes={..}, unfold=True)"
            )
        found = {dim_value(tensor.dims[axis], self.ir.fixed) for tensor, axis in axes.items()} if not lengths else {n}
        if n not in found:
            raise ArgumentError(
                f"unfold({name}, {n}): {name} runs over {' and '.join(map(str, sorted(found)))} steps already\n"
                f"  Write unfold({name}, {max(found)})"
            )
        with locked():
            ir = unfold(self.ir, axes, lengths.pop() if lengths else None, n)
            made = System._of(ir, self, None, (System.unfold, (self, t, n)))
            made._axes = {i: on if i == name else on | steps_of(ir, on) for i, on in made._axes.items()}
            return made

    def batch(self, size: Any, inputs: Any) -> System:
        """Every tensor that depends on these inputs gains a leading axis of the new size; parameters stay shared."""
        from graphc.transforms.batch import batch

        if self._ir is None:
            return self._later(System.batch, size, inputs)
        moved = [self.tensor(x) for x in _flat([inputs])]
        for t in moved:
            if not t.given:
                raise ArgumentError(
                    f"batch: {t.name} is computed, not given at the call\n"
                    "  Name the inputs that differ from sample to sample; what depends on them follows"
                )
        with locked():
            ir = batch(self.ir, sy.Size(str(size)).name, moved)
            if getattr(size, "least", None) is not None:
                ir = replace(ir, least={**ir.least, size.name: size.least})
            made = System._of(ir, self, None, (System.batch, (self, size, [_named(x) for x in _flat([inputs])])))
            ranks = {t.name: len(t.dims) for t in self.ir.tensors}  # the new axis stands before the others
            made._axes = {i: {(t, k + len(t.dims) - ranks[t.name]) for t, k in on} for i, on in made._axes.items()}
            return made

    def graph(self) -> Any:
        """The dependence graph, folded, with delays on its edges."""
        from graphc.view.graph import graph

        return graph(self.ir)

    def explain(self) -> Any:
        """What the compiler finds: cycles, loop order, what is parallel and why, memory, operations."""
        from graphc.equations.system import without_derivatives
        from graphc.view.explain import explain

        with locked():
            return explain(without_derivatives(self.ir))

    def latex(self) -> str:
        """The equations as LaTeX."""
        from graphc.view.latex import latex

        return latex(self)

    def _repr_latex_(self) -> str:
        from graphc.view.latex import repr_latex

        return repr_latex(self)

    # -- names ----------------------------------------------------------------------------------------------------

    def tensor(self, which: Any) -> IRTensor:
        """The tensor of the representation for a name, a tensor or a gradient."""
        from graphc.equations.system import Tensor

        if isinstance(which, Tensor):
            return which
        if isinstance(which, sy.Tensor):
            found = self._tensors.get(which)
            if found is not None and found in self.ir.tensors:
                return found
            if isinstance(which, D):
                raise ArgumentError(
                    f"{which} is not in this system\n"
                    f"  Use system.grad({which.loss}, [{which.wrt}]), or put it into an equation"
                )
            self._refuse_namesake(which)
            which = which.name
        if isinstance(which, sy.Access):
            raise ArgumentError(
                f"{which} is not a whole tensor\n"
                f'  Give it a name: Eq(y[..], {which}) with y = gc.Tensor("y", ..), and ask for y'
            )
        for name, t in self._names().items():
            if name == which or name.replace(" ", "") == str(which).replace(" ", ""):
                return t
        raise ArgumentError(f"there is no tensor {which}\n  There are {', '.join(self._names())}")

    def _refuse_namesake(self, t: sy.Tensor, asked: sy.Tensor | None = None) -> None:
        """ArgumentError if the system has another tensor of this name: not the one meant in what is asked."""
        from graphc.frontend.lower import described

        for own in self._tensors:
            if own.name == t.name and own != t:
                raise ArgumentError(
                    f"{t} is {described(own)} in this system, not {described(t)}\n"
                    f'  Use the tensor that its equations have, or its name, "{(asked or t).name}"'
                )

    def _names(self) -> dict[str, IRTensor]:
        gradients = {str(u): i for u, i in self._tensors.items() if isinstance(u, D)}
        return {**self.ir.by_name, **gradients}

    def _with_gradients(self, outputs: Sequence[Output]) -> System:
        """This system, with the gradients among `outputs` that it does not define yet."""
        from graphc.frontend.names import Names

        asked = [d for o in _flat(outputs) if (d := self._as_gradient(o)) is not None]
        for gradient in asked:
            for part in (gradient.loss, gradient.wrt):
                if isinstance(part, sy.Tensor):
                    self._refuse_namesake(part, gradient)
        missing = [d for d in dict.fromkeys(asked) if self._tensors.get(d) not in self.ir.tensors]
        scalars = {d.loss: d.loss for d in missing if isinstance(d.loss, sy.Tensor) and not isinstance(d.loss, D)}
        names = Names({}, set(self.ir.by_name))
        wholes = {
            e: sy.Tensor(names.fresh("loss_0")) for e in dict.fromkeys(d.loss for d in missing) if e not in scalars
        }
        system = self
        if wholes and not self.equations:
            e, whole = next(iter(wholes.items()))
            raise ArgumentError(
                f"D({e}, ..): {e} is no tensor, and this system was derived: no equation can be added to it\n"
                f'  Give it a name before grad, batch or unfold: Eq(gc.Tensor("{whole.name}"), {e})'
            )
        if wholes:
            extra = [sp.Eq(whole, e, evaluate=False) for e, whole in wholes.items()]
            system = System(*self.equations, *extra, sizes=self._sizes)
        for loss, tensor in (scalars | wholes).items():
            wrt = [d.wrt for d in missing if d.loss == loss]
            system = system.grad(tensor, wrt)
            system._tensors.update({D(loss, w): system._tensors[D(tensor, w)] for w in wrt})
        return system

    def _as_gradient(self, output: Output) -> D | None:
        """A gradient asked for, as D or by name: "D(L, W)"."""
        if isinstance(output, D):
            if output.each:
                indices = ", ".join(sorted(str(s) for s in output.loss.free_symbols if isinstance(s, sy.Index)))
                raise ArgumentError(
                    f"{output} is one gradient for each {indices}, not a tensor\n"
                    f'  Give it a name: Eq(G[{indices}, ..], {output}[..]) with G = gc.Tensor("G", ..), and ask for G'
                )
            return output
        parts = re.fullmatch(r"D\((\w+), ?(\w+)\)", output) if isinstance(output, str) else None
        users = {str(u): u for u in self._tensors}
        return D(users[parts[1]], users[parts[2]]) if parts and {parts[1], parts[2]} <= users.keys() else None

    def _outputs(self, outputs: Sequence[Output]) -> list[IRTensor]:
        wanted = _flat(outputs) or [eq.tensor for eq in self.ir.equations if eq.tensor in set(self._tensors.values())]
        return [self.tensor(o) for o in wanted]

    def _split(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
        """Arguments and sizes: a size may be passed by name too."""
        known = {*self.ir.sizes, *self.ir.fixed} - self.ir.by_name.keys()
        sizes = {k: v for k, v in arguments.items() if k in known}
        return {k: v for k, v in arguments.items() if k not in sizes}, sizes

    def __repr__(self) -> str:
        if self._made is not None and self._ir is None:
            return f"{self._made[0].__name__} of\n{self._made[1][0]}"
        return "\n".join(map(str, self.equations)) if self.equations else repr(self.ir)


def _named(which: Any) -> Any:
    """A tensor of the representation by its name; the user's as they are."""
    return which.name if hasattr(which, "given") else which


def jvp(system: System, outputs: Any, tangents: Mapping[sy.Tensor, sy.Tensor]) -> System:
    """Forward mode: a system that also defines `y_dot`, the derivative of each output y in the direction in which each
    tensor of `tangents` moves along its value: `jvp(net, "L", {W: V})` with `V = gc.Input("V", H, H)`."""
    from graphc.equations.composed import same_shape
    from graphc.frontend.names import Names
    from graphc.transforms.differentiate import jvp as forward

    if system._ir is None:
        return system._later(jvp, outputs, tangents)
    asked = [system.tensor(o) for o in _flat([outputs])]
    if not isinstance(tangents, Mapping):
        raise ArgumentError('jvp: directions are given by a dict, {W: V} with V = gc.Input("V", ..)')
    for t in asked:
        if f"{t.name}_dot" in system.ir.by_name:
            raise ArgumentError(
                f"jvp: there is a tensor {t.name}_dot already\n"
                "  Call jvp on the system without it, once for each direction"
            )
    for way in tangents.values():
        if not isinstance(way, sy.Tensor) or (way.role == "tensor" and way not in system._tensors):
            raise ArgumentError(
                f'jvp: no equation defines the direction {way}\n  Make it an input: gc.Input("{way}", ..)'
            )
    with locked():
        names = Names({}, set(system.ir.by_name), fixed=system.ir.fixed)
        known = {}
        for u, way in tangents.items():
            system._refuse_namesake(way)
            v, t = system._tensors.get(way), system.tensor(u)
            if v is None:
                v = names.tensor(way)
                if same_shape(t.shape, v.shape, {**system.ir.composed, **names.composed.known}):
                    v = replace(v, dims=t.dims, joined=t.joined)
            known[way] = v
        moves = {system.tensor(u): known[way] for u, way in tangents.items()}
        whole = [v for u, v in known.items() if u.dtype in sy.INTEGERS]
        for t, v in moves.items():
            if t.dims != v.dims or v.kind != "real" or v in whole:
                raise ShapeError(
                    f"jvp: {t!r} cannot move along {v!r}\n  A direction is a real tensor of the same dimensions"
                )
        ir, _ = forward(system.ir, asked, moves)
        return System._of(ir, system, known, (jvp, (system, outputs, tangents)))


def equivalent(first: sp.Eq, second: sp.Eq) -> bool:
    """Whether two equations mean the same, proved on normal forms. False says only that no proof was found."""
    from graphc.checks.equivalent import equivalent as same
    from graphc.frontend.lower import lower

    with locked():
        return same(lower([first], closed=False).system, lower([second], closed=False).system)


def verify(system: System, /, loss: Any, sizes: Any = None, seed: Any = 0, **arguments: Any) -> Any:
    """A certificate: the gradient of `loss` against finite differences and the dot-product test, and the compiled
    function against the interpreter, on these arguments. True if all hold; prints as a table."""
    from graphc.certificate import verify as certify

    if not isinstance(seed, Integral):
        raise ArgumentError("seed= is a number\n  An input of that name must be called otherwise")
    known = _by_name(sizes)
    return certify(system._at_shapes(known, arguments), loss, known, int(seed), **arguments)


def _flat(things: Any) -> list[Any]:
    """Lists and tuples opened up."""
    out: list[Any] = []
    for x in things:
        out += _flat(x) if isinstance(x, list | tuple) else [x]
    return out


def _by_name(sizes: Mapping[Any, int] | None) -> dict[str, int]:
    if not isinstance(sizes, Mapping | None):
        raise ArgumentError("sizes= takes sizes by name, {'T': 100}\n  An input of that name must be called otherwise")
    return {str(k): v for k, v in (sizes or {}).items()}
