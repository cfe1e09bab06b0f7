"""Ahead of time: a compiled function as an object file and a C header, for programs without Python."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from graphc.codegen.target import load
from graphc.equations.expr import Const, Expr
from graphc.equations.printing import show
from graphc.errors import ArgumentError

if TYPE_CHECKING:
    from graphc.runtime.function import Function

_NAMES = ("kernel_loop", "kernel", "workspace")


def save(function: Function, path: Path) -> list[Path]:
    """Write `path`.o and `path`.h; symbols carry the file's name, so that several can be linked together."""
    stem = path.name
    if not stem.isidentifier():
        raise ArgumentError(
            f"{stem!r} is not a C identifier, which symbols need\n  Save under another name: f.save('model')"
        )
    text = str(function.kernel.module).replace('define i64 @"kernel_objects"', 'define internal i64 @"kernel_objects"')
    for name in _NAMES:
        text = text.replace(f'@"{name}"', f'@"{stem}_{name}"')
    path.parent.mkdir(parents=True, exist_ok=True)
    written = [path.with_name(stem + ".o"), path.with_name(stem + ".h")]
    written[0].write_bytes(load(text).object_code)
    written[1].write_text(_header(function, stem))
    return written


def _not_zero(e: Expr) -> bool:
    return e is not Const(0)


def _header(function: Function, stem: str) -> str:
    real = {"float64": "double", "float32": "float", "int64": "int64_t"}[function.options.dtype]
    target = function.target
    features = [f[1:] for f in target.features.split(",") if f.startswith("+")]
    lines = [f"/* {stem}: compiled by graphc.", "", "   arguments, in order:"]
    for k, t in enumerate(function.kernel.arguments):
        buffer = function.program.buffers[t]
        role = "read and written over" if t in function.program.update else buffer.role
        dims = " x ".join(f"({d})" if " " in d else d for d in map(show, buffer.extent)) or "1"
        kind = "int64_t" if t.kind == "int" else real
        first = f", from {t.name}[{', '.join(map(show, buffer.lower))}]" if any(map(_not_zero, buffer.lower)) else ""
        lines.append(f"   {k}: {t.name}, {role}, {kind}, row-major {dims}{first}")
    baked = [f"{name} = {value}" for name, value in function.system.fixed.items()]
    lines.append("   sizes, in order: " + (", ".join(function.kernel.sizes) or "none"))
    lines.append("   sizes baked in: " + (", ".join(baked) or "none"))
    lines += _wrapped(f"compiled for the processor {target.cpu}, which has", features)
    lines += [
        "   The object file runs on no processor without these. */",
        "#pragma once",
        "#include <stdint.h>",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        "/* bytes that `workspace` must have, aligned to 64 */",
        f"int64_t {stem}_workspace(const int64_t *sizes);",
        "/* bad: 0 before the call; bad[0] != 0 after it: bad[1], an index read from data, was out of range */",
        f"void {stem}_kernel(void *const *arguments, const int64_t *sizes, void *workspace, int64_t bad[2]);",
        "/* the same n times, arguments that are written over carried from run to run; it ends at a bad index */",
        f"void {stem}_kernel_loop(void *const *arguments, const int64_t *sizes, void *workspace, int64_t bad[2],",
        f"{' ' * len(stem)}                 int64_t n);",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _wrapped(title: str, words: list[str]) -> list[str]:
    text = f"{title} {', '.join(words)}" if words else f"{title} no particular features"
    return wrap(text, 110, initial_indent="   ", subsequent_indent="     ", break_on_hyphens=False)
