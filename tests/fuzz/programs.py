"""Random programs of the language, as Python text: a few equations of every kind, one built on the other.

`random_program(seed)` gives the same program for the same seed. A program is data (declarations, equations, sizes,
arguments), so that a failing one can be made smaller and printed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

LENGTHS = (0, 1, 2, 3, 5, 17, 63, 64, 65, 66, 67, 129, 130, *range(1, 68, 3))
WIDTHS = (0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 33, 67)
INTEGERS = (np.int64, np.int64, np.int32, np.uint8, np.int16)
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1e-310, 1e150, -1e-150, 1.0, -1.0)
INDICES = "t i j k m n u v"
FUNCTIONS = ("tanh", "sin", "cos", "sigmoid", "relu", "Abs", "atan", "erf", "softplus", "gelu", "erfc", "asinh", "sign")
# Functions where they are defined, and powers: {a} and {b} stand for expressions.
FORMS = (
    "exp(-Abs({a}))", "sqrt(1 + ({a})**2)", "log(2 + Abs({a}))", "({a})/(1.5 + Abs({b}))", "({a})**2",
    "asin(0.9*tanh({a}))", "acos(0.9*sin({a}))", "atan2({a}, 1 + Abs({b}))", "sinh(tanh({a}))", "cosh(sin({a}))",
    "acosh(1.5 + Abs({a}))", "atanh(0.9*cos({a}))", "floor(2*{a})", "ceiling(3*{a})", "Heaviside({a})*{b}",
    "Abs({a})**1.7", "(1.1 + Abs({a}))**tanh({b})", "(2 + Abs({a}))**(-2)", "Mod({a}, 1.5)", "Mod({a}, 2 + Abs({b}))",
    "exp(-({a})**2)", "log(1 + ({a})**2)", "Max({a}, {b}, 0)", "tanh({a})**3", "1/(2 + sin({a}))",
)  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """A tensor given at the call. `how`: "real", "values" (small integers), "index:EXTENT" (integers below it),
    "before" (element n below n)."""

    name: str
    dims: tuple[str, ...]
    how: str = "real"
    role: str = "Input"
    more: str = ""

    def declaration(self) -> str:
        dtype = "" if self.how == "real" else ", dtype='int64'"
        dims = "".join(f", {d}" for d in self.dims)
        return f"{self.name} = gc.{self.role}('{self.name}'{dims}{dtype}{self.more})"


@dataclass(frozen=True)
class Step:
    """The tensors that some equations define, and those equations. Unless `real` they hold integers."""

    tensors: tuple[tuple[str, tuple[str, ...]], ...]
    equations: tuple[str, ...]
    declarations: tuple[str, ...] = ()
    real: bool = True
    own: bool = False  # `declarations` declare the tensors


@dataclass(frozen=True)
class Program:
    sizes: dict[str, int]
    arguments: tuple[Argument, ...]
    steps: tuple[Step, ...]
    seed: int = 0
    integer: bool = False
    special: bool = False  # NaN, infinities, subnormal numbers and both zeros are among the arguments

    @property
    def defined(self) -> dict[str, tuple[str, ...]]:
        return {name: dims for s in self.steps for name, dims in s.tensors}

    @property
    def losses(self) -> list[str]:
        """Tensors that the loss sums over."""
        return [name for s in self.steps if s.real for name, _ in s.tensors]

    def text(self) -> str:
        """Python that builds `system`."""
        lines = ["import graphc as gc", "from graphc import *", ""]
        lines.append(f"{', '.join(self.sizes)}, = gc.sizes('{' '.join(self.sizes)} size0')[:-1]")
        lines.append(f"{', '.join(INDICES.split())} = gc.indices('{INDICES}')")
        lines += [a.declaration() for a in self.arguments]
        for s in self.steps:
            lines += s.declarations
            kind = "" if s.real else ", dtype='int64'"
            lines += [
                f"{name} = gc.Tensor('{name}'{''.join(f', {d}' for d in dims)}{kind})"
                for name, dims in s.tensors
                if not s.own
            ]
        lines += ["L = gc.Tensor('L')", "system = gc.System("]
        lines += [f"    {eq}," for s in self.steps for eq in s.equations]
        lines += [f"    Eq(L, {self._loss()}),", ")"]
        return "\n".join(lines)

    def _loss(self) -> str:
        parts = []
        for k, name in enumerate(self.losses):
            dims = self.defined[name]
            axes = "ijkmn"[: len(dims)]
            element = f"{name}[{', '.join(axes)}]" if dims else name
            value = f"{element}*{element}" if k % 2 or self.integer else f"sin({element} + {k}*0.3)"
            parts.append(f"Sum({value}, {', '.join(axes)})" if dims else value)
        return " + ".join(parts) or "0"

    def system(self) -> Any:
        space: dict[str, Any] = {}
        exec(self.text(), space)
        return space["system"]

    def values(self) -> dict[str, Any]:
        """The arguments' arrays, the same for the same seed."""
        rng = np.random.default_rng(self.seed)
        return {a.name: self._array(a, rng) for a in self.arguments}

    def _array(self, a: Argument, rng: np.random.Generator) -> Any:
        shape = tuple(max(0, self.number(d)) for d in a.dims)
        if a.how != "real":
            return self._integers(a.how, shape, rng).astype(rng.choice(INTEGERS))
        if self.integer:
            return rng.integers(-3, 4, shape)
        array = rng.normal(size=shape) * 0.7
        return np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), array) if self.special else array

    def _integers(self, how: str, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        if how == "before":
            return np.array([int(rng.integers(0, max(1, n))) for n in range(shape[0])], np.int64)
        return rng.integers(0, 4 if how == "values" else max(1, self.number(how[6:])), shape)

    def number(self, dim: str) -> int:
        return int(eval(dim, {"__builtins__": {}, "Max": max, "Min": min}, dict(self.sizes)))

    def smaller(self) -> list[Program]:
        """Programs with one thing less, most promising first."""
        found = [replace(self, steps=self.steps[:k] + self.steps[k + 1 :]) for k in reversed(range(len(self.steps)))]
        for name, value in self.sizes.items():
            found += [
                replace(self, sizes={**self.sizes, name: v})
                for v in (1, 2, 3, 5, value // 2, value - 1)
                if 0 <= v < value
            ]
        used = " ".join(e for s in self.steps for e in s.equations)
        for k, a in enumerate(self.arguments):
            if a.name + "[" not in used and a.name + "," not in used:
                found.append(replace(self, arguments=self.arguments[:k] + self.arguments[k + 1 :]))
        return found


# Making them ----------------------------------------


@dataclass
class Maker:
    """The state of making one program: what there is to read so far."""

    rng: random.Random
    arguments: list[Argument] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    integer: bool = False

    def fresh(self, prefix: str) -> str:
        taken = {a.name for a in self.arguments} | {n for s in self.steps for n, _ in s.tensors}
        k = 0
        while f"{prefix}{k}" in taken:
            k += 1
        return f"{prefix}{k}"

    def given(self, *dims: str, how: str = "real", role: str = "Param", more: str = "") -> str:
        if how == "real" and not more and self.rng.random() < 0.5:
            for a in self.arguments:
                if a.dims == dims and a.how == how and a.more == more and a.role == role:
                    return a.name
        name = self.fresh({"real": "w"}.get(how, "q") if role == "Param" else "x")
        self.arguments.append(Argument(name, dims, how, role, more))
        return name

    def tensors(self) -> list[tuple[str, tuple[str, ...]]]:
        """What can be read: inputs of real numbers and everything defined."""
        plain = [(a.name, a.dims) for a in self.arguments if a.how == "real" and not a.more]
        return plain + [pair for s in self.steps if s.real for pair in s.tensors]

    def with_dims(self, *dims: str) -> str:
        """A tensor of these dimensions, mostly one that is there."""
        found = [name for name, d in self.tensors() if d == dims]
        if found and self.rng.random() < 0.9:
            return self.rng.choice(found[-4:])
        return self.given(*dims, role="Input")

    def leaf(self, dims: dict[str, str]) -> str:
        """An element at these indices ({index: its dimension}), or a number."""
        if self.rng.random() < 0.08:
            return self.rng.choice(["2", "3", "-1"] if self.integer else ["0.5", "2", "Rational(1, 3)", "-0.7"])
        found = []
        for name, d in self.tensors():
            at: list[str] = []
            for dim in d:
                fitting = [i for i, e in dims.items() if e == dim and i not in at]
                if not fitting:
                    break
                at.append(self.rng.choice(fitting))
            else:
                if d:
                    found.append(f"{name}[{', '.join(at)}]")
        if found:
            return self.rng.choice(found[-6:])
        if dims:
            return f"{self.given(*dims.values(), role='Input')}[{', '.join(dims)}]"
        return self.given()

    def expr(self, dims: dict[str, str], depth: int, *must: str) -> str:
        """A bounded expression at these indices in which each of `must` occurs."""
        if len(must) > 1:
            return self.rng.choice([f"({must[0]} + {self.expr(dims, depth, *must[1:])})",
                                    f"({must[0]} - {self.expr(dims, depth, *must[1:])})",
                                    f"({must[0]}*{self.expr(dims, depth, *must[1:])})"])  # fmt: skip
        if depth == 0:
            return must[0] if must else self.leaf(dims)
        roll = self.rng.random()
        inner = self.expr(dims, depth - 1, *must)
        other = self.expr(dims, depth - 1)
        if roll < 0.25 and not self.integer:
            return f"{self.rng.choice(FUNCTIONS)}({inner})"
        if roll < 0.36 and not self.integer:
            return self.rng.choice(FORMS).format(a=inner, b=other)
        if roll < 0.44:
            return f"{self.rng.choice(['Max', 'Min'])}({inner}, {other})"
        if roll < 0.54:
            cond = self.condition(dims, other)
            if self.rng.random() < 0.3:
                third = self.leaf(dims)
                return f"Piecewise(({inner}, {cond}), ({other}, {self.condition(dims, third)}), ({third}, True))"
            return f"Piecewise(({inner}, {cond}), ({other}, True))"
        return f"({inner} {self.rng.choice('+-*')} {other})"

    def condition(self, dims: dict[str, str], other: str) -> str:
        """On values or on indices, or two of them joined."""
        if self.rng.random() < 0.25:
            a, b = self._condition(dims, other), self._condition(dims, other)
            return self.rng.choice([f"And({a}, {b})", f"Or({a}, {b})", f"Not({a})", f"And(Not({a}), {b})"])
        return self._condition(dims, other)

    def _condition(self, dims: dict[str, str], other: str) -> str:
        choices = [f"{other} {self.rng.choice(['>', '>=', '<', '<='])} {self.rng.choice(['0', '1'])}"]
        names = list(dims)
        if names:
            i = self.rng.choice(names)
            choices += [f"{i} > {self.rng.randint(0, 3)}", f"Eq(Mod({i}, 2), 0)", f"{i} < {dims[i]} - 1",
                        f"Ne(Mod({i}, 3), 1)", f"Ne({i}, 1)", f"{i} >= {dims[i]}//2"]  # fmt: skip
        if len(names) > 1:
            a, b = self.rng.sample(names, 2)
            choices += [f"{a} < {b}", f"Eq({a}, {b})", f"{a} + {b} > 3"]
        return self.rng.choice(choices)

    def bounded(self, e: str) -> str:
        if self.integer:
            return f"Max(-9, Min(9, {e}))"
        return f"{self.rng.choice(['tanh', 'sin', 'tanh', 'atan'])}({e})"

    def declared(self, *equations: str, declare: tuple[str, ...], **tensors: tuple[str, ...]) -> None:
        """A step whose tensors are declared otherwise than by their dimensions alone."""
        self.steps.append(Step(tuple(tensors.items()), equations, declare, own=True))

    def add(
        self, *equations: str, real: bool = True, declare: tuple[str, ...] = (), **tensors: tuple[str, ...]
    ) -> None:
        self.steps.append(Step(tuple(tensors.items()), equations, declare, real))


Kind = Callable[[Maker], None]
KINDS: list[Kind] = []


def kind(make: Kind) -> Kind:
    KINDS.append(make)
    return make


def random_program(seed: int, integer: bool = False, special: bool = False) -> Program:
    """The program of a seed: one to four steps, each an equation or a few, drawn from everything in `kinds`."""
    return draw_program(random.Random(seed), seed, integer, special)


def draw_program(rng: random.Random, seed: int = 0, integer: bool = False, special: bool = False) -> Program:
    """A program from the decisions of `rng`."""
    from tests.fuzz import kinds, kinds_more, kinds_particular, kinds_recurrent, kinds_trees

    assert kinds.ALL is KINDS and kinds_more.THREE and kinds_recurrent.kind is kinds_trees.kind is kind
    assert kinds_particular.kind is kind
    while True:
        maker = Maker(rng, integer=integer)
        for _ in range(rng.randint(1, 4)):
            rng.choice(kinds.INTEGER if integer else KINDS)(maker)
        sizes = {
            "T": rng.choice(LENGTHS),
            "N": rng.choice(WIDTHS),
            "M": rng.choice(WIDTHS),
            "R": rng.choice((1, 2, 3, 5)),
        }
        program = Program(sizes, tuple(maker.arguments), tuple(maker.steps), seed, integer, special)
        if cost(program) < 60_000:
            return replace(program, sizes=_used(program) or {"T": 1})


def _used(program: Program) -> dict[str, int]:
    """The sizes that the program mentions."""
    text = program.text().split("size0')[:-1]")[1]
    return {n: v for n, v in program.sizes.items() if re.search(rf"\b{n}\b", text)}


def cost(program: Program) -> float:
    """Elements computed, roughly."""
    total = 0.0
    for s in program.steps:
        for _, dims in s.tensors:
            count = 1.0
            for d in dims:
                count *= max(1, program.number(d))
            sums = sum(e.count("Sum(") + e.count("amax(") + e.count("Prod(") for e in s.equations)
            total += count * (1 + sums * max(program.sizes["N"], program.sizes["M"]))
    return total
