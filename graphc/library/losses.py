"""Losses as expressions, to stand on the right of `Eq(L, ...)`."""

from __future__ import annotations

from typing import Any

import sympy as sp

from graphc.language.reductions import Mean, Sum, logsumexp, softmax
from graphc.language.symbols import Index


def mse(output: Any, target: Any, *over: Any) -> sp.Expr:
    """The mean squared error over the indices (none: over all axes): `mse(o[t, i], y[t, i], t, i)` or `mse(o, y)`."""
    return Mean((output - target) ** 2, *over)


def cross_entropy(logits: Any, target: Any, k: Index) -> sp.Expr:
    """-log softmax(logits)[target] of one sample: `Mean(cross_entropy(o[b, k], label[b], k), b)`.

    `k` runs over the classes. A target that contains `k` is a distribution over them, one that does not is a label.
    The logarithm and the softmax are taken together, so that no probability underflows.
    """
    logits, target = sp.sympify(logits), sp.sympify(target)
    if k in target.free_symbols:
        return logsumexp(logits, k) * Sum(target, k) - Sum(target * logits, k)
    if any(k in r.free_symbols for r in logits.atoms(softmax)):  # a softmax at one class is one of them all
        return logsumexp(logits, k) - Sum(sp.Piecewise((logits, sp.Eq(k, target)), (0, True)), k)
    return logsumexp(logits, k) - logits.subs(k, target)
