"""What several workloads need to call a peer the way its experts do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.harness import Call


def jitted(function: Callable[..., Any], *arrays: Any) -> Call:
    """A JAX function compiled ahead of time for these arrays, which already lie in JAX's memory."""
    import jax

    placed = [jax.device_put(array) for array in arrays]
    compiled = jax.jit(function).lower(*placed).compile()
    return lambda: jax.block_until_ready(compiled(*placed))


def torch_tensors(*arrays: Any) -> list[Any]:
    """The arrays as PyTorch tensors of their own, and PyTorch on one thread."""
    import torch

    torch.set_num_threads(1)
    return [torch.from_numpy(array.copy()) for array in arrays]
