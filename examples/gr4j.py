"""GR4J, a rainfall-runoff model of four parameters, calibrated by its exact gradient on four years of a small river.

Two stores are recurrences over days, two unit hydrographs are convolutions whose kernels depend on the parameter x4.
C. Perrin, C. Michel, V. Andréassian: Improvement of a parsimonious model for streamflow simulation, J. Hydrology 279, 2003.
"""

from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

import graphc as gc
from graphc import Eq, Max, Min, Rational, Sum, tanh

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray
C = 25.62891  # (9/4)**4 to the digits that airGR and hydrogr use
DAYS = 20  # ordinates of the first unit hydrograph: enough for x4 up to 20 days; the second has twice as many
BOUNDS = np.array([(10.0, 2000.0), (-10.0, 10.0), (5.0, 500.0), (0.6, 10.0)])  # mm, mm/day, mm, days
STARTS = np.array([(350.0, 0.0, 90.0, 1.7), (100.0, -1.0, 30.0, 1.2), (800.0, 1.0, 150.0, 3.0)])  # first: the paper's median
NAMES = ("x1", "x2", "x3", "x4")


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
    """Day, rain P, potential evapotranspiration E and discharge (NaN where unknown) in mm/day."""
    table = np.genfromtxt(ROOT / "data" / "schwingbach.csv", delimiter=",", skip_header=1, usecols=(1, 2, 3))
    dates = np.loadtxt(ROOT / "data" / "schwingbach.csv", delimiter=",", skiprows=1, usecols=0, dtype="datetime64[D]")
    return {"day": dates, "P": table[:, 0], "E": table[:, 1], "discharge": table[:, 2]}


def masked(data: dict[str, Array], first: str, after: str) -> dict[str, Array]:
    """The model's inputs; days outside [first, after), or without a measurement, weigh nothing."""
    known = np.isfinite(data["discharge"])
    chosen = known & (data["day"] >= np.datetime64(first)) & (data["day"] < np.datetime64(after))
    return {
        "P": data["P"],
        "E": data["E"],
        "observed": np.where(known, data["discharge"], 0.0),
        "w": chosen.astype(float),
    }


def natural(z: Array) -> Array:
    """Parameters from numbers in [0, 1]: x1, x3, x4 on a logarithmic scale, x2 on an affine one."""
    low, high = BOUNDS.T
    log = np.array([True, False, True, True])
    with np.errstate(invalid="ignore"):
        return np.where(log, low * (high / low) ** z, low + (high - low) * z)


def slope(z: Array) -> Array:
    """d natural(z) / dz."""
    low, high = BOUNDS.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where([True, False, True, True], natural(z) * np.log(high / low), high - low)


def inverse(x: Array) -> Array:
    low, high = BOUNDS.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where([True, False, True, True], np.log(x / low) / np.log(high / low), (x - low) / (high - low))
