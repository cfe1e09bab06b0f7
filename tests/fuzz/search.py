"""What becomes of one seed: its program (or mutant) checked, made small if it fails, and told as text."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.compare import check, drawn
from tests.fuzz.laws import Refused
from tests.fuzz.mutants import check_mutant, check_mutated_system, random_mutant
from tests.fuzz.programs import Program, random_program

Judge = Callable[[Program, tuple[str, ...]], "str | None"]


@dataclass(frozen=True)
class Kind:
    """Which programs are written, and in which ways they are compiled (one drawn for each, if none are given)."""

    integer: bool = False
    special: bool = False
    mutants: bool = False
    variants: tuple[str, ...] = ()


def outcome(kind: Kind, seed: int) -> tuple[str, str]:
    """("agree" or the like, nothing), ("refused", why) or ("FAIL", what is wrong and the smallest program found)."""
    return _mutant(seed) if kind.mutants else _program(kind, seed)


def _program(kind: Kind, seed: int) -> tuple[str, str]:
    program, variants = _made(kind, seed)
    try:
        check(program, variants)
    except Refused as error:
        return "refused", str(error)
    except Exception as error:
        return "FAIL", f"{type(error).__name__}: {str(error)[:300]}\n{_told(program, variants, failure)}"
    return "agree", ""


def crashed(kind: Kind, seed: int) -> tuple[str, str]:
    """The same for a seed that ended its process: what is tried now is tried in processes of its own."""
    if kind.mutants:
        return "FAIL", f"the process ended\n{_mutant_text(seed)}"
    return "FAIL", f"the process ended\n{_told(*_made(kind, seed), failure_apart)}"


def _made(kind: Kind, seed: int) -> tuple[Program, tuple[str, ...]]:
    program = random_program(seed, kind.integer, kind.special)
    return program, kind.variants or drawn(program)


def _told(program: Program, variants: tuple[str, ...], judge: Judge) -> str:
    small = shrink(program, variants, judge)
    return (
        f"# {judge(small, variants)}\n# variants {','.join(variants)}, sizes {small.sizes}, data of seed {small.seed}\n"
        f"{small.text()}\n"
    )


def _mutant(seed: int) -> tuple[str, str]:
    """Half of them are made of random programs, half of the systems that transforms are tested on."""
    try:
        return check_mutated_system(seed) if seed % 2 else check_mutant(random_mutant(seed)), ""
    except Exception as error:
        trace = traceback.extract_tb(error.__traceback__)[-3:]
        places = ", ".join(f"{Path(f.filename).name}:{f.lineno}" for f in trace)
        return "FAIL", f"{type(error).__name__}: {str(error)[:300]} ({places})\n{_mutant_text(seed)}"


def _mutant_text(seed: int) -> str:
    return f"system mutant {seed}" if seed % 2 else random_mutant(seed).text()


def failure(program: Program, variants: tuple[str, ...]) -> str | None:
    """What goes wrong, in one line; None if nothing does or the program is refused."""
    try:
        check(program, variants)
    except Refused:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None


def failure_apart(program: Program, variants: tuple[str, ...]) -> str | None:
    """Whether a program ends its process."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        failure(program, variants)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return f"Crash: signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else None


def shrink(program: Program, variants: tuple[str, ...], judge: Judge = failure, effort: int = 60) -> Program:
    """A program with as little as possible that still fails in the same way (the same kind of error)."""
    wanted = _kind(judge(program, variants))
    while effort > 0:
        for candidate in program.smaller():
            effort -= 1
            if effort <= 0 or _kind(judge(candidate, variants)) == wanted:
                break
        else:
            return program
        if effort > 0:
            program = candidate
    return program


def _kind(why: str | None) -> str:
    """What is kept while a failing program is made smaller: the error, and for a wrong value the variant."""
    why = why or "none"
    return " ".join(why.split()[:2]) if why.startswith("Difference") else why.split(":")[0]
