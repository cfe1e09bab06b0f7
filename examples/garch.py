"""GARCH(1,1): the variance of a return depends on the last return and the last variance; fitted by maximum likelihood.

The gradient and the Hessian (for standard errors) are equations too: D, and D of D.
T. Bollerslev: Generalized autoregressive conditional heteroskedasticity, Journal of Econometrics 31, 1986.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

import graphc as gc
from graphc import D, Eq, Sum, log

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
NAMES = ("omega", "alpha", "beta")
TRUE = np.array([0.05, 0.1, 0.85])


def model() -> gc.System:
    """h[t], the variance of the return r[t]; L, the negative logarithm of the likelihood; Hv, its Hessian times v."""
    T = gc.sizes("T")
    t, i = gc.indices("t i")
    r, h = gc.Input("r", T), gc.Tensor("h", T)
    p, v = gc.Param("p", 3), gc.Input("v", 3)  # p: omega, alpha, beta
    L, slope = gc.tensors("L slope")
    g, Hv = gc.tensors("g Hv", 3)
    return gc.System(
        Eq(h[t], p[0] + p[1] * r[t - 1] ** 2 + p[2] * h[t - 1]),
        Eq(h[0], Sum(r[t] ** 2, t) / T),
        Eq(L, Sum(log(h[t]) + r[t] ** 2 / h[t], t) / 2),
        Eq(g[i], D(L, p)[i]),
        Eq(slope, Sum(g[i] * v[i], i)),
        Eq(Hv[i], D(slope, p)[i]),
    )


def simulate(n: int, seed: int = 1) -> Array:
    """`n` returns of the process with the parameters TRUE."""
    noise = np.random.default_rng(seed).normal(size=n)
    omega, alpha, beta = TRUE
    r, h = np.empty(n), omega / (1 - alpha - beta)
    for t in range(n):
        r[t] = np.sqrt(h) * noise[t]
        h = omega + alpha * r[t] ** 2 + beta * h
    return r


def fit(value_and_gradient: Function, r: Array) -> Any:
    """SciPy's result of maximising the likelihood."""

    def of(p: Array) -> tuple[float, Array]:
        loss, slopes = value_and_gradient(r=r, p=p)
        return float(loss) / len(r), slopes / len(r)

    start, bounds = np.array([0.1 * np.var(r), 0.05, 0.8]), [(1e-6, None), (0.0, 1.0), (0.0, 0.999)]
    return minimize(of, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-8})


def hessian(times: Function, r: Array, p: Array) -> Array:
    """The second derivatives at p, a column for each unit vector."""
    return np.stack([times(r=r, p=p, v=unit) for unit in np.eye(3)], axis=1)


def main() -> None:
    console, system, r = Console(), model(), simulate(5000)
    console.print(system, highlight=False)
    value_and_gradient, times = system.compile("L", "g"), system.compile("Hv")
    found = fit(value_and_gradient, r)
    error = np.sqrt(np.diag(np.linalg.inv(hessian(times, r, found.x))))

    table = Table("parameter", "true", "estimate", "standard error", title=f"Maximum likelihood, {len(r)} returns")
    for row in zip(NAMES, TRUE, found.x, error, strict=True):
        table.add_row(row[0], *(f"{number:.4f}" for number in row[1:]))
    console.print(table)
    started = perf_counter()
    for _ in range(200):
        value_and_gradient(r=r, p=found.x)
    each = (perf_counter() - started) / 200
    console.print(f"{found.nfev} evaluations of value and gradient, {each * 1e6:.0f} microseconds each")


if __name__ == "__main__":
    main()
