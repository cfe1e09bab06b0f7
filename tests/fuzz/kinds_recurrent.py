"""Recurrences of other shapes: lags given by sizes, halves, far-away states, rims, triangles, several ranks."""

from __future__ import annotations

from tests.fuzz.programs import Maker, kind


@kind
def lag_by_a_size(m: Maker) -> None:
    """A season: the state of R steps before."""
    s, z, x = m.fresh("s"), m.given("R", role="Input"), m.with_dims("T")
    more = m.rng.choice(["", f" + 0.3*{s}[t-1]", f" - {z}[0]"])
    m.add(
        f"Eq({s}[t], Piecewise(({z}[t], t < R), (tanh({s}[t-R]*0.9{more} + {x}[t-R]), True)))",
        **{s: ("T + R",)},
    )


@kind
def lag_by_a_size_of_vectors(m: Maker) -> None:
    s, z, w, x = m.fresh("s"), m.given("R", "N", role="Input"), m.given("N", "N"), m.with_dims("T", "N")
    past = m.rng.choice([f"Sum({w}[i, j]*{s}[t-R, j], j)/4", f"{s}[t-R, i]*{w}[i, i]"])
    m.add(
        f"Eq({s}[t, i], Piecewise(({z}[t, i], t < R), (tanh({past} + {x}[t-R, i]), True)))",
        **{s: ("T + R", "N")},
    )


@kind
def coefficients_of_all_lags(m: Maker) -> None:
    """AR(R), with zeros before the start."""
    s, a, x = m.fresh("s"), m.given("R"), m.with_dims("T")
    declare = (f"{s} = gc.Tensor('{s}', T, outside=0)",)
    form = m.rng.choice([f"Sum({a}[k]*{s}[t-1-k], k)/4", f"tanh(Sum({a}[k]*{s}[t-1-k], k))"])
    m.declared(f"Eq({s}[t], {form} + {x}[t])", declare=declare, **{s: ("T",)})


@kind
def half_the_step(m: Maker) -> None:
    """A heap: each element reads the one at half its place."""
    s, x = m.fresh("s"), m.with_dims("T")
    past = m.rng.choice([f"{s}[t//2]", f"{s}[(t-1)//2]", f"{s}[t//3] - {s}[t-1]"])
    m.add(f"Eq({s}[t], tanh({past} + {x}[t]))", f"Eq({s}[0], {m.rng.choice(['0.5', f'{x}[0]'])})", **{s: ("T",)})


@kind
def far_state(m: Maker) -> None:
    s, x = m.fresh("s"), m.with_dims("T", "N")
    m.add(f"Eq({s}[t, i], tanh({s}[t-1, i] + {s}[0, i]*{x}[t, i]))", f"Eq({s}[0, i], {x}[0, i])",
          **{s: ("T", "N")})  # fmt: skip


@kind
def stencil_with_a_rule(m: Maker) -> None:
    """A rule at the rim, start values of their own."""
    u, z = m.fresh("u"), m.given("N", role="Input")
    rule = m.rng.choice(["'wrap'", "'edge'", "'reflect'", "0"])
    declare = (f"{u} = gc.Tensor('{u}', T, N, outside={rule})",)
    past = m.rng.choice([
        f"{u}[t-1, i] + 0.3*({u}[t-1, i-1] - 2*{u}[t-1, i] + {u}[t-1, i+1])", f"{u}[t-1, i-2]*{u}[t-1, i+1]",
        f"Sum({u}[t-1, i+k]*{m.given('3')}[k], (k, 0, 2))", f"{u}[t-1, i+1] - {u}[t-2, i-1]",
    ])  # fmt: skip
    starts = [f"Eq({u}[-1, i], {z}[i])"] + ([f"Eq({u}[-2, i], 0.2*{z}[i])"] if "t-2" in past else [])
    m.declared(f"Eq({u}[t, i], {m.bounded(past)})", *starts, declare=declare, **{u: ("T", "N")})


@kind
def convolution_of_the_state(m: Maker) -> None:
    u, z, w, x = m.fresh("u"), m.given("N", role="Input"), m.given("3"), m.with_dims("T", "N")
    m.add(f"Eq({u}[t], tanh(gc.correlate({u}[t-1], {w}, mode='same') + {x}[t]))", f"Eq({u}[-1], {z})",
          **{u: ("T", "N")})  # fmt: skip


@kind
def even_and_odd(m: Maker) -> None:
    s, x = m.fresh("s"), m.with_dims("T")
    m.add(f"Eq({s}[2*t], tanh({s}[2*t-1] + {x}[t]))", f"Eq({s}[2*t+1], sin({s}[2*t]) - {x}[t])",
          f"Eq({s}[-1], 0.3)", **{s: ("2*T",)})  # fmt: skip


@kind
def two_rates(m: Maker) -> None:
    """A state that moves every second or third step, read by and reading one that moves at each."""
    s, q, x, k = m.fresh("s"), m.fresh("q"), m.with_dims("T"), m.rng.choice([2, 3])
    steps = [f"Eq({s}[{k}*t+{a}], sin({s}[{k}*t+{a - 1}]) - {q}[t])" for a in range(1, k)]
    m.add(f"Eq({q}[t], tanh({s}[{k}*t] + {x}[t]))", f"Eq({s}[{k}*t], cos({s}[{k}*t-1]*0.5))", *steps,
          f"Eq({s}[-1], 0.3)", **{s: (f"{k}*T",), q: ("T",)})  # fmt: skip


@kind
def mirrored_past(m: Maker) -> None:
    """Levinson's: the coefficients of the step before, in both directions."""
    a, x = m.fresh("a"), m.with_dims("R")
    m.add(
        f"Eq({a}[k, n], Piecewise(({a}[k-1, n] + 0.3*{x}[k]*{a}[k-1, k-1-n], n < k), ({x}[k], Eq(n, k)), (0, True)))",
        **{a: ("R", "R")},
    )


@kind
def triangular_in_place(m: Maker) -> None:
    """A factorisation: each element reads those left of it and above it."""
    g, c = m.given("R", "R", role="Input"), m.fresh("c")
    inner = f"Sum({c}[k, u]*{c}[n, u], (u, 0, n-1))"
    m.add(
        f"Eq({c}[k, n], Piecewise((({g}[k, n] - {inner})/(2 + {c}[n, n]**2), n < k), "
        f"(sqrt(9 + {g}[k, k]**2 + Sum({c}[k, u]**2, (u, 0, k-1))), Eq(k, n)), (0, True)))",
        **{c: ("R", "R")},
    )


@kind
def intervals(m: Maker) -> None:
    """A table over pairs of ends, each from all ways to cut it in two."""
    c, d = m.given("R", role="Input"), m.fresh("d")
    name = m.rng.choice(["amin", "amax", "Sum", "logsumexp"])
    scale = "" if name in ("amin", "amax") else "/9"
    parts = f"({d}[k, u] + {d}[u+1, n] + {c}[k]*{c}[u]*{c}[n]){scale}"
    m.add(f"Eq({d}[k, n], Piecewise(({name}({parts}, (u, k, n-1)), k < n), (0, True)))", **{d: ("R", "R")})


@kind
def ranks_mixed(m: Maker) -> None:
    """A mean of the state enters the next one."""
    h, a, x = m.fresh("h"), m.fresh("a"), m.with_dims("T", "N")
    name = m.rng.choice(["Mean", "amax", "logsumexp", "Sum"])
    m.add(f"Eq({h}[t, i], {m.bounded(f'{h}[t-1, i] + {a}[t-1] + {x}[t, i]')})", f"Eq({a}[t], {name}({h}[t, i], i)/3)",
          f"Eq({h}[-1, i], 0)", f"Eq({a}[-1], 0.1)", **{h: ("T", "N"), a: ("T",)})  # fmt: skip


@kind
def there_and_back(m: Maker) -> None:
    """Forwards, backwards over that, forwards again."""
    f, b, g, x = m.fresh("f"), m.fresh("b"), m.fresh("g"), m.with_dims("T")
    m.add(f"Eq({f}[t], tanh({f}[t-1] + {x}[t]))", f"Eq({f}[-1], 0)", f"Eq({b}[t], tanh({b}[t+1]*0.5 + {f}[t]))",
          f"Eq({b}[T], {m.rng.choice(['0', f'{f}[T-1]'])})", f"Eq({g}[t], tanh({g}[t-1] + {b}[t]*{f}[t]))",
          f"Eq({g}[-1], {b}[0])", **{f: ("T",), b: ("T",), g: ("T",)})  # fmt: skip


@kind
def shifted_left_side(m: Maker) -> None:
    s, x = m.fresh("s"), m.with_dims("T", "N")
    m.add(f"Eq({s}[t+1, i], tanh({s}[t, i]*0.9 + {x}[t, i]))", f"Eq({s}[0, i], {x}[0, i])", **{s: ("T", "N")})


@kind
def branches_on_the_state(m: Maker) -> None:
    s, x = m.fresh("s"), m.with_dims("T")
    m.add(
        f"Eq({s}[t], Piecewise(({s}[t-1]*0.5 + {x}[t], {s}[t-1] > {x}[t]), "
        f"(sin({s}[t-1]) - {x}[t], {s}[t-1] < -0.2), (0.9*{s}[t-1] + {m.given()}, True)))",
        f"Eq({s}[-1], 0.2)",
        **{s: ("T",)},
    )


@kind
def softmax_of_the_state(m: Maker) -> None:
    h, a, w, x = m.fresh("h"), m.fresh("a"), m.given("N", "N"), m.with_dims("T", "N")
    m.add(f"Eq({a}[t], softmax({w} @ {h}[t-1]))", f"Eq({h}[t, i], {a}[t, i]*{x}[t, i] + {h}[t-1, i]/2)",
          f"Eq({h}[-1, i], 0.1)", **{a: ("T", "N"), h: ("T", "N")})  # fmt: skip


@kind
def eliminated(m: Maker) -> None:
    """Gauss: step k changes the rows from k on."""
    a, u = m.given("R", "R", role="Input"), m.fresh("u")
    step = f"{u}[k-1, m, n] - {u}[k-1, m, k-1]*{u}[k-1, k-1, n]/(4 + {u}[k-1, k-1, k-1]**2)"
    m.add(
        f"Eq({u}[k, m, n], Piecewise(({step}, m >= k), ({u}[k-1, m, n], True)))",
        f"Eq({u}[0, m, n], {a}[m, n])",
        **{u: ("R", "R", "R")},
    )


@kind
def transposed_time(m: Maker) -> None:
    h, w, x = m.fresh("h"), m.given("N", "N"), m.with_dims("T", "N")
    m.add(f"Eq({h}[i, t], tanh(Sum({w}[i, j]*{h}[j, t-1], j)/2 + {x}[t, i]))", f"Eq({h}[i, -1], 0)",
          **{h: ("N", "T")})  # fmt: skip


@kind
def rates(m: Maker) -> None:
    """A slow state that reads several fast ones, each of which reads the slow one some steps before."""
    slow, fast, n, x = m.fresh("s"), m.fresh("f"), m.rng.choice([2, 2, 3, 4]), m.with_dims("T")
    read = m.rng.randint(0, n - 1)
    some = m.rng.choice(
        [f"{fast}[{n}*t + {read}]", f"Sum({fast}[{n}*t + j], (j, 0, {read}))", f"{fast}[{n}*t]*{fast}[{n}*t + {read}]"]
    )
    own = m.rng.choice(["0", f"{slow}[t-1]/2", f"{slow}[t-2]"])
    other = m.rng.choice(["0", f"{fast}[t-1]/3", f"{fast}[t-2]"])
    m.add(
        f"Eq({slow}[t], tanh({some} + {own}))", f"Eq({slow}[-1], 0.5)", f"Eq({slow}[-2], {m.given()})",
        f"Eq({fast}[t], {x}[t//{n}] + sin({slow}[t//{n} - 1] + {other}))",
        f"Eq({fast}[-1], 0.1)", f"Eq({fast}[-2], 0.2)",
        **{slow: ("T",), fast: (f"{n}*T",)},
    )  # fmt: skip
