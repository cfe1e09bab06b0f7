"""The `graphc` command: look at the systems that a Python file defines.

    graphc version
    graphc explain FILE.py[:name]                    what is found in it: recurrences, parallelism, work, memory
    graphc latex   FILE.py[:name]                    its equations
    graphc graph   FILE.py[:name] -o out.svg         its dependence graph (.svg, .html or .dot)

`name` is a `System` of the file, or a function without arguments that returns one; it may be left away if there is only
one. `--grad L` looks at the system with the gradient of L, `--unfold t=3` at the one written out over t. The file is
imported, so what stands under `if __name__ == "__main__"` does not run.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any


class Refused(Exception):
    """A command that cannot be carried out; the message is for the user."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 1 if the system is refused, 2 if the command is wrong."""
    from graphc.errors import GraphcError

    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except GraphcError as error:
        return _complain(str(error), 1)
    except Refused as error:
        return _complain(str(error), 2)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        sys.stderr.close()
    return 0


def _complain(message: str, status: int) -> int:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text.assemble(("graphc: ", "bold red"), message))
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="graphc", description="Look at the systems of equations in a Python file.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    for name, run, about in (
        ("explain", _explain, "what is found in it: recurrences, parallelism, work and memory"),
        ("latex", _latex, "its equations as LaTeX"),
        ("graph", _graph, "its dependence graph as a picture"),
    ):
        command = commands.add_parser(name, help=about, description=f"Show {about}.")
        command.set_defaults(run=run)
        command.add_argument("system", metavar="FILE.py[:name]", help="the file, and which of its systems")
        command.add_argument("--grad", metavar="LOSS", help="with the gradient of LOSS in every parameter")
        command.add_argument(
            "--unfold", metavar="INDEX=N", help="with the recurrence over INDEX written out for N steps"
        )
        if name == "explain":
            command.add_argument("--program", action="store_true", help="compile it, and show the program of loops too")
        if name == "graph":
            command.add_argument(
                "-o", "--output", metavar="OUT", help="out.svg, out.html or out.dot (else DOT is printed)"
            )
            command.add_argument("--rankdir", choices=("LR", "RL", "TB", "BT"), help="the direction it runs in")
            command.add_argument("--max-nodes", type=int, help="sum up what has more boxes (default 80; html 300)")
            command.add_argument("--auxiliary", action="store_true", help="with the tensors that graphc has named")
    return parser


def _version(options: argparse.Namespace) -> None:
    from graphc import __version__

    del options
    print(f"graphc {__version__}")


def _explain(options: argparse.Namespace) -> None:
    from rich.console import Console

    from graphc.view.explain import explain

    system = _system(options)
    program = system.compile().program if options.program else None
    found = explain(system, program)
    if sys.stdout.isatty():
        Console().print(found)
    else:
        print(found)


def _latex(options: argparse.Namespace) -> None:
    from graphc.view.latex import latex

    print(latex(_system(options)))


def _graph(options: argparse.Namespace) -> None:
    from graphc.view.graph import graph

    kind = Path(options.output).suffix if options.output else ".dot"
    if kind not in (".svg", ".html", ".dot"):
        raise Refused(f"-o {options.output}: the name must end in .svg, .html or .dot")
    drawing = {k: v for k in ("rankdir", "max_nodes", "auxiliary") if (v := getattr(options, k))}
    if kind == ".dot" and drawing:
        raise Refused("--rankdir, --max-nodes and --auxiliary are for pictures\n  Add -o out.svg or -o out.html")
    found = graph(_system(options))
    match kind:
        case ".svg":
            text = found.svg(**drawing)
        case ".html":
            text = found.html(**drawing)
        case _:
            text = found.to_dot()
    if not options.output:
        print(text, end="")
        return
    try:
        Path(options.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {options.output}: {error.strerror}") from error
    print(f"{found!r} written to {options.output}")


def _system(options: argparse.Namespace) -> Any:
    """The system that the options name, with its gradient or unfolded if they say so."""
    system = load(options.system)
    if options.grad:
        system = system.grad(options.grad)
    if options.unfold:
        index, _, steps = options.unfold.partition("=")
        if not index or not steps.isdecimal():
            raise Refused(f"--unfold {options.unfold}: write an index and a number of steps, as in --unfold t=3")
        system = system.unfold(index, int(steps))
    return system


def load(text: str) -> Any:
    """The system `FILE.py[:name]`. Raises Refused if there is none, or several and no name."""
    path, colon, name = text.rpartition(":") if not text.endswith(".py") else (text, "", "")
    if not colon:
        path = text
    names = _run(Path(path))
    found = _systems(names)
    if name:
        known = {**_makers(names), **found}
        if name not in known:
            raise Refused(f"{path} has no system {name}; it has {', '.join(known) or 'none'}")
        if name in found:
            return found[name]
        with _reported(Path(path)):
            return known[name]()
    if not found:
        raise Refused(
            f"{path} has no system\n  Give one a name, as in `rnn = gc.System(...)`, or name a function of it"
        )
    if len(found) > 1:
        raise Refused(f"{path} has several systems: {', '.join(found)}\n  Say which, as in {path}:{next(iter(found))}")
    return next(iter(found.values()))


def _run(path: Path) -> dict[str, Any]:
    """The names that a file defines."""
    if not path.is_file():
        raise Refused(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Refused(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with _reported(path):
            spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.resolve().parent))
    return vars(module)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """An error in the user's file is reported with its line; errors of graphc's own go on, they say more."""
    from graphc.errors import GraphcError

    try:
        yield
    except GraphcError:
        raise
    except Exception as error:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path or f.filename == str(path)
        ]
        where = f", line {frames[-1].lineno}" if frames else ""
        raise Refused(f"{path}{where} failed: {type(error).__name__}: {error}") from error


def _systems(names: dict[str, Any]) -> dict[str, Any]:
    from graphc.model import System

    return {k: v for k, v in names.items() if isinstance(v, System) and not k.startswith("_")}


def _makers(names: dict[str, Any]) -> dict[str, Any]:
    """The file's own functions without arguments that say they return a system."""
    own = {k: v for k, v in names.items() if isinstance(v, FunctionType) and v.__module__ == names["__name__"]}
    return {
        k: f for k, f in own.items() if not f.__code__.co_argcount and "System" in str(f.__annotations__.get("return"))
    }
