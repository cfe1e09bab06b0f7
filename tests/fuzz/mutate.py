"""Valid programs made wrong, or different: `mutant(program, rng)` changes one thing, as a slip of the pen would.

What comes out must be refused with a message, or mean the same to the compiler and to the interpreter.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

from tests.fuzz.programs import Program, Step, random_program

SMALL = (1, 2, 3, 4, 5, 6)
GROUPS = (
    ("tanh", "sin", "exp", "log", "sqrt", "Abs", "floor", "relu", "sign", "atan"),
    ("Sum", "Prod", "amax", "amin", "Mean", "logsumexp", "argmax", "softmax"),
    ("Max", "Min", "Mod", "atan2"),
    (" + ", " - ", "*", "/", "**"),
    (" @ ", " * "),
    (" < ", " > ", " <= ", " >= "),
    ("'full'", "'same'", "'valid'"),
)
RULES = ("", ", outside=0", ", outside='edge'", ", outside='reflect'", ", outside='symmetric'", ", outside='wrap'")
DIMS = ("T", "N", "M", "R", "T + 1", "N + R", "N//2", "T - 1", "2*N", "3", "1")
INDEX = re.compile(r"(?<![\w.'\"])[tijkmnu](?![\w(])")
Change = Callable[[str, random.Random], str]


def mutant(seed: int) -> Program:
    """A small random program with one to three things changed."""
    rng = random.Random(seed)
    program = random_program(seed)
    sizes = {name: rng.choice(SMALL) for name in "TNMR"}
    kept = program.steps[: rng.randint(1, 2)]
    program = replace(program, steps=kept, sizes=sizes)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        program = _changed(program, rng)
    return program


def _changed(program: Program, rng: random.Random) -> Program:
    roll = rng.random()
    if roll < 0.1:
        return _other_dims(program, rng)
    if roll < 0.15 and program.arguments:
        k = rng.randrange(len(program.arguments))
        other = replace(program.arguments[k], more=rng.choice(RULES))
        return replace(program, arguments=(*program.arguments[:k], other, *program.arguments[k + 1 :]))
    where = [(s, e) for s, step in enumerate(program.steps) for e in range(len(step.equations))]
    if not where:
        return program
    s, e = rng.choice(where)
    step = program.steps[s]
    equations = list(step.equations)
    if roll < 0.25:
        del equations[e]
    elif roll < 0.32:
        equations.insert(rng.randrange(len(equations) + 1), rng.choice(CHANGES)(equations[e], rng))
    else:
        equations[e] = rng.choice(CHANGES)(equations[e], rng)
    return _with_step(program, s, replace(step, equations=tuple(equations)))


def _with_step(program: Program, s: int, step: Step) -> Program:
    return replace(program, steps=(*program.steps[:s], step, *program.steps[s + 1 :]))


def _other_dims(program: Program, rng: random.Random) -> Program:
    """Another size on one axis, an axis more or one less."""

    def change(dims: tuple[str, ...]) -> tuple[str, ...]:
        if not dims or rng.random() < 0.15:
            return (*dims, rng.choice(DIMS))
        k = rng.randrange(len(dims))
        put = () if rng.random() < 0.15 else (rng.choice(DIMS),)
        return (*dims[:k], *put, *dims[k + 1 :])

    if program.arguments and rng.random() < 0.5:
        k = rng.randrange(len(program.arguments))
        other = replace(program.arguments[k], dims=change(program.arguments[k].dims))
        return replace(program, arguments=(*program.arguments[:k], other, *program.arguments[k + 1 :]))
    s = rng.randrange(len(program.steps))
    tensors = list(program.steps[s].tensors)
    k = rng.randrange(len(tensors))
    tensors[k] = (tensors[k][0], change(tensors[k][1]))
    return _with_step(program, s, replace(program.steps[s], tensors=tuple(tensors)))


# -- changes of one equation ------------------------------------------------------------------------------------------


def _one(pattern: re.Pattern[str], put: Callable[[str], str], equation: str, rng: random.Random) -> str:
    """The equation with one match replaced."""
    found = list(pattern.finditer(equation))
    if not found:
        return equation
    m = rng.choice(found)
    return equation[: m.start()] + put(m[0]) + equation[m.end() :]


def swap_indices(equation: str, rng: random.Random) -> str:
    names = sorted(set(INDEX.findall(equation)))
    if len(names) < 2:
        return equation
    a, b = rng.sample(names, 2)
    swapped = INDEX.sub(lambda m: {a: b, b: a}.get(m[0], m[0]), equation)
    cut, swapped_cut = equation.find("], ") + 3, swapped.find("], ") + 3
    return rng.choice([swapped, equation[:cut] + swapped[swapped_cut:], swapped[:swapped_cut] + equation[cut:]])


def other_index(equation: str, rng: random.Random) -> str:
    return _one(INDEX, lambda _: rng.choice("tijkmnu"), equation, rng)


def shift(equation: str, rng: random.Random) -> str:
    by = rng.choice(("-2", "-1", "+1", "+2", "*2", "//2"))
    return _one(INDEX, lambda name: f"({name}{by})", equation, rng)


def other_number(equation: str, rng: random.Random) -> str:
    number = re.compile(r"(?<![\w.])(?<!Rational\()(?<!Rational\(1, )-?\d+(?![\w.])")
    return _one(number, lambda _: rng.choice(("0", "1", "2", "-1", "-2", "T", "N", "T - 1", "1.5")), equation, rng)


def other_operator(equation: str, rng: random.Random) -> str:
    present = [(word, group) for group in GROUPS for word in group if _word(word).search(equation)]
    if not present:
        return equation
    word, group = rng.choice(present)
    pattern = _word(word)
    return _one(pattern, lambda _: rng.choice(group), equation, rng)


def _word(word: str) -> re.Pattern[str]:
    if word.isalnum():
        return re.compile(rf"(?<![\w.]){word}(?!\w)")
    return re.compile(rf"(?<![*/(,+-]){re.escape(word)}(?![*/])")


def without_subscript(equation: str, rng: random.Random) -> str:
    return _one(
        re.compile(r"\[[^\[\]]*\]"), lambda text: rng.choice(("", re.sub(r",[^,\]]*\]", "]", text))), equation, rng
    )


def other_tensor(equation: str, rng: random.Random) -> str:
    names = sorted(set(re.findall(r"\b[a-z]\d+\b", equation)))
    return _one(re.compile(r"\b[a-z]\d+\b"), lambda _: rng.choice(names), equation, rng) if names else equation


CHANGES: tuple[Change, ...] = (
    swap_indices, other_index, shift, shift, other_number, other_number, other_operator, other_operator,
    without_subscript, other_tensor,
)  # fmt: skip
