"""`python -m tests.fuzz --count N --seed SEED`: random programs, compiled against interpreted; failures made small."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from pathlib import Path

from rich.progress import track

from tests.fuzz.compare import Refused, check, drawn
from tests.fuzz.programs import Program, random_program


def failure(program: Program, variants: tuple[str, ...]) -> str | None:
    """What goes wrong, in one line; None if nothing does or the program is refused."""
    try:
        check(program, variants)
    except Refused:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None


def _kind(why: str | None) -> str:
    """What is kept while a failing program is made smaller: the error, and for a wrong value the variant."""
    why = why or "none"
    return " ".join(why.split()[:2]) if why.startswith("Difference") else why.split(":")[0]


def shrink(program: Program, variants: tuple[str, ...], effort: int = 60) -> Program:
    """A program with as little as possible that still fails in the same way (the same kind of error)."""
    wanted = _kind(failure(program, variants))
    while effort > 0:
        for candidate in program.smaller():
            effort -= 1
            if effort <= 0 or _kind(failure(candidate, variants)) == wanted:
                break
        else:
            return program
        if effort > 0:
            program = candidate
    return program


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="a folder for the programs that fail")
    parser.add_argument("--integer", action="store_true", help="programs of integers only")
    parser.add_argument(
        "--special", action="store_true", help="NaN, infinities, subnormals, signed zeros among the data"
    )
    parser.add_argument(
        "--variants", default="", help="ways to compile, with commas between; default: two drawn for each"
    )
    options = parser.parse_args()
    outcomes: Counter[str] = Counter()
    with contextlib.suppress(KeyboardInterrupt):
        search(options, outcomes)
    print(", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())))
    return 1 if outcomes["FAIL"] else 0


def search(options: argparse.Namespace, outcomes: Counter[str]) -> None:
    """Check one program after the other; count what becomes of them."""
    for k in track(range(options.count), "random programs"):
        seed = options.seed * 1_000_000 + k
        program = random_program(seed, options.integer, options.special)
        variants = tuple(options.variants.split(",")) if options.variants else drawn(program)
        try:
            check(program, variants)
            outcomes["agree"] += 1
        except Refused as error:
            outcomes["refused"] += 1
            if options.out:
                with (options.out / "refused.txt").open("a") as file:
                    file.write(f"{seed}: {error}\n\n")
        except Exception as error:
            outcomes["FAIL"] += 1
            small = shrink(program, variants)
            text = f"# {failure(small, variants)}\n# sizes {small.sizes}, data of seed {small.seed}\n{small.text()}\n"
            print(f"\n# seed {seed}: {type(error).__name__}: {str(error)[:300]}\n{text}", flush=True)
            if options.out:
                (options.out / f"seed{seed}.py").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
