"""The measured ceiling: fused multiply-adds per second of one core, by a kernel that does nothing else.

Twelve independent chains of vectors of the machine's width (enough to hide a latency of four to five cycles on two
units), emitted as LLVM text, so that nothing is left to an optimiser. The best of several short runs counts.
"""

from __future__ import annotations

import ctypes
import time

import llvmlite.binding as llvm

_CHAINS = 12
_STEPS = 2_000_000


def vector_bits() -> int:
    """Width of the machine's vectors in bits: 512, 256 or 128."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 512
    return 256 if features.get("avx") else 128


def measure(dtype: str, rounds: int = 7) -> float:
    """Floating-point operations per second of one core in `dtype` ("float32" or "float64")."""
    scalar, bits = {"float32": ("float", 32), "float64": ("double", 64)}[dtype]
    lanes = vector_bits() // bits
    engine = _compile(_kernel(scalar, bits, lanes))
    run = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)(engine.get_function_address("fma_chains"))
    run(1000)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        run(_STEPS)
        best = min(best, time.perf_counter() - start)
    return 2.0 * lanes * _CHAINS * _STEPS / best


def _kernel(scalar: str, bits: int, lanes: int) -> str:
    vector, fma = f"<{lanes} x {scalar}>", f"llvm.fma.v{lanes}f{bits}"
    constant = "<" + ", ".join([f"{scalar} 5.0e-01"] * lanes) + ">"
    phis = "\n".join(f"  %a{i} = phi {vector} [ {constant}, %entry ], [ %b{i}, %loop ]" for i in range(_CHAINS))
    body = "\n".join(
        f"  %b{i} = call {vector} @{fma}({vector} %a{i}, {vector} {constant}, {vector} {constant})"
        for i in range(_CHAINS)
    )
    total = "\n".join(f"  %t{i} = fadd {vector} %{'b0' if i == 1 else f't{i - 1}'}, %b{i}" for i in range(1, _CHAINS))
    widen = f"  %d = fpext {scalar} %e to double\n  ret double %d" if bits == 32 else "  ret double %e"
    return f"""
declare {vector} @{fma}({vector}, {vector}, {vector})
define double @fma_chains(i64 %n) {{
entry:
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}
{body}
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %exit
exit:
{total}
  %e = extractelement {vector} %t{_CHAINS - 1}, i32 0
{widen}
}}
"""


def _compile(text: str) -> llvm.ExecutionEngine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
