"""GR4J, a rainfall-runoff model of four parameters, calibrated by its exact gradient on four years of a small river.

Two stores are recurrences over days, two unit hydrographs are convolutions whose kernels depend on the parameter x4.
C. Perrin, C. Michel, V. Andréassian: Improvement of a parsimonious model for streamflow simulation, J. Hydrology, 2003.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

import graphc as gc
from graphc import Eq, Max, Min, Rational, Sum, tanh

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
C = 25.62891  # (9/4)**4 to the digits that airGR and hydrogr use
DAYS = 20  # ordinates of the first unit hydrograph: enough for x4 up to 20 days; the second has twice as many
NAMES = ("x1", "x2", "x3", "x4")
LOW, HIGH = np.array([10.0, -10.0, 5.0, 0.6]), np.array([2000.0, 10.0, 500.0, 10.0])  # mm, mm/day, mm, days
LOG = np.array([True, False, True, True])  # calibrated on a logarithmic scale
STARTS = np.array(
    [(350.0, 0.0, 90.0, 1.7), (100.0, -1.0, 30.0, 1.2), (800.0, 1.0, 150.0, 3.0)]
)  # first: the paper's median


def model() -> gc.System:
    """The equations of GR4J, in the paper's letters; q in mm/day, L = 1 - Nash-Sutcliffe efficiency weighted by w."""
    T, J = gc.sizes("T J")
    t, j, k = gc.indices("t j k")
    P, E, observed, w = gc.inputs("P E observed w", T)
    x1, x2, x3, x4 = gc.params("x1 x2 x3 x4")
    wet, dry, Ps, Es, Perc, Pr, Q9, Q1, F, Qr, q = gc.tensors("wet dry Ps Es Perc Pr Q9 Q1 F Qr q", T)
    S, Sp, R, Rp = gc.tensors("S Sp R Rp", T)  # stores at the end of a day, and before their outflow
    u1, SH1 = gc.Tensor("u1", J), gc.Tensor("SH1", J + 1)
    u2, SH2 = gc.Tensor("u2", 2 * J), gc.Tensor("SH2", 2 * J + 1)
    mean, L = gc.tensors("mean L")
    full, level = S[t - 1] / x1, R[t - 1] / x3
    power = Rational(5, 2)
    return gc.System(
        # production store: net rain enters, net demand leaves, a little percolates
        Eq(wet[t], tanh(Min(Max(P[t] - E[t], 0) / x1, 13))),
        Eq(dry[t], tanh(Min(Max(E[t] - P[t], 0) / x1, 13))),
        Eq(Ps[t], x1 * (1 - full**2) * wet[t] / (1 + full * wet[t])),
        Eq(Es[t], S[t - 1] * (2 - full) * dry[t] / (1 + (1 - full) * dry[t])),
        Eq(Sp[t], Max(S[t - 1] + Ps[t] - Es[t], 0)),
        Eq(Perc[t], Sp[t] * (1 - (1 + (Sp[t] / x1) ** 4 / C) ** Rational(-1, 4))),
        Eq(S[t], Sp[t] - Perc[t]),
        Eq(S[-1], Rational(3, 10) * x1),
        Eq(Pr[t], Perc[t] + Max(P[t] - E[t], 0) - Ps[t]),
        # unit hydrographs: differences of two S-curves in j/x4
        Eq(SH1[j], Min(j / x4, 1) ** power),
        Eq(SH2[k], (Min(k / x4, 1) ** power + 1 - Max(2 - Max(k / x4, 1), 0) ** power) / 2),
        Eq(u1[j], SH1[j + 1] - SH1[j]),
        Eq(u2[k], SH2[k + 1] - SH2[k]),
        Eq(Q9[t], Rational(9, 10) * Sum(u1[j] * Pr[t - j], j)),
        Eq(Q1[t], Rational(1, 10) * Sum(u2[k] * Pr[t - k], k)),
        # routing store, with an exchange of groundwater
        Eq(F[t], x2 * level ** Rational(7, 2)),
        Eq(Rp[t], Max(R[t - 1] + Q9[t] + F[t], 0)),
        Eq(Qr[t], Rp[t] * (1 - (1 + (Rp[t] / x3) ** 4) ** Rational(-1, 4))),
        Eq(R[t], Rp[t] - Qr[t]),
        Eq(R[-1], x3 / 2),
        Eq(q[t], Qr[t] + Max(Q1[t] + F[t], 0)),
        Eq(mean, Sum(w[t] * observed[t], t) / Sum(w[t], t)),
        Eq(L, Sum(w[t] * (q[t] - observed[t]) ** 2, t) / Sum(w[t] * (observed[t] - mean) ** 2, t)),
    )


def series() -> dict[str, Array]:
    """Day, rain P, potential evapotranspiration E and discharge (NaN where unknown), the last three in mm/day."""
    file = ROOT / "data" / "schwingbach.csv"
    day = np.loadtxt(file, delimiter=",", skiprows=1, usecols=0, dtype="datetime64[D]")
    P, E, discharge = np.genfromtxt(file, delimiter=",", skip_header=1, usecols=(1, 2, 3), unpack=True)
    return {"day": day, "P": P, "E": E, "discharge": discharge}


def arguments(data: dict[str, Array], first: str, after: str) -> dict[str, Array]:
    """The model's inputs; days outside [first, after), or without a measurement, weigh nothing."""
    known = np.isfinite(data["discharge"])
    chosen = known & (data["day"] >= np.datetime64(first)) & (data["day"] < np.datetime64(after))
    observed = np.where(known, data["discharge"], 0.0)
    return {"P": data["P"], "E": data["E"], "observed": observed, "w": chosen.astype(float)}


def compile_model() -> Function:
    """A native function that gives q, L and dL/dx1 .. dL/dx4."""
    return model().grad("L").compile("q", "L", *(f"D(L, {name})" for name in NAMES), sizes={"J": DAYS})


def from_unit(z: Array) -> Array:
    """Parameters from numbers in 0..1."""
    return np.where(LOG, LOW * np.abs(HIGH / LOW) ** z, LOW + (HIGH - LOW) * z)


def to_unit(x: Array) -> Array:
    """The inverse of `from_unit`."""
    return np.where(LOG, np.log(np.abs(x / LOW) + ~LOG) / np.log(np.abs(HIGH / LOW) + ~LOG), (x - LOW) / (HIGH - LOW))


def calibrate(run: Function, inputs: dict[str, Array], start: Array) -> Any:
    """SciPy's result of minimising L from `start`, by value and exact gradient; `x` holds the parameters themselves."""

    def value_and_gradient(z: Array) -> tuple[float, Array]:
        x = from_unit(z)
        _, loss, *slopes = run(**inputs, **dict(zip(NAMES, x, strict=True)))
        return float(loss), np.array(slopes) * np.where(LOG, x * np.log(np.abs(HIGH / LOW)), HIGH - LOW)

    found = minimize(value_and_gradient, to_unit(start), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * 4)
    found.x = from_unit(found.x)
    return found


def draw(data: dict[str, Array], q: Array, file: Path) -> None:
    """Rain from above, measured and simulated discharge below."""
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(9, 4.6), sharex=True, height_ratios=(1, 3), layout="constrained"
    )
    top.bar(data["day"], data["P"], width=1.0, color="tab:blue")
    top.invert_yaxis()
    top.set_ylabel("rain\n(mm/day)")
    bottom.plot(data["day"], data["discharge"], color="black", lw=1.0, label="measured")
    bottom.plot(data["day"], q, color="tab:orange", lw=1.0, label="GR4J")
    for year, text in (("2012", "warm-up"), ("2013", "calibration"), ("2015", "validation")):
        bottom.axvline(np.datetime64(f"{year}-01-01"), color="gray", lw=0.8, ls=":")
        bottom.text(np.datetime64(f"{year}-01-12"), 0.94, text, color="gray", transform=bottom.get_xaxis_transform())
    bottom.set(ylabel="discharge (mm/day)", ylim=(0, None), xlim=(data["day"][0], data["day"][-1]))
    bottom.legend(loc="center left")
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> None:
    console, data = Console(), series()
    started = perf_counter()
    with console.status("compiling GR4J and its gradient"):
        run = compile_model()
    console.print(f"GR4J and its gradient compiled in {perf_counter() - started:.1f} s")

    inputs = arguments(data, "2013-01-01", "2015-01-01")
    table = Table("start", *NAMES, "NSE", "calls", "seconds", title="Calibration on 2013 and 2014 from three starts")
    fits = []
    for k, start in enumerate(STARTS):
        started = perf_counter()
        fits.append(fit := calibrate(run, inputs, start))
        values = (f"{x:.3f}" for x in fit.x)
        table.add_row(str(k + 1), *values, f"{1 - fit.fun:.4f}", str(fit.nfev), f"{perf_counter() - started:.2f}")
    console.print(table)

    best = dict(zip(NAMES, min(fits, key=lambda fit: float(fit.fun)).x, strict=True))
    table = Table("years", "use", "Nash-Sutcliffe efficiency", title="How well it does")
    for first, after, use in (("2013", "2015", "calibration"), ("2015", "2017", "validation")):
        q, loss, *_ = run(**arguments(data, f"{first}-01-01", f"{after}-01-01"), **best)
        table.add_row(f"{first}-{int(after) - 1}", use, f"{1 - loss:.3f}")
    console.print(table)
    draw(data, q, ROOT / "out" / "gr4j.png")
    console.print("hydrograph: out/gr4j.png")


if __name__ == "__main__":
    main()
