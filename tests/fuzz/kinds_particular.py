"""Elements with values of their own inside recurrences, tensors in parts, pairs of products, computed places."""

from __future__ import annotations

from tests.fuzz.programs import Maker, kind


@kind
def value_inside_a_recurrence(m: Maker) -> None:
    """One step has a value of its own; sometimes nothing but the last step is read."""
    s, x, lag, at = m.fresh("s"), m.with_dims("T"), m.rng.randint(1, 3), m.rng.randint(0, 6)
    starts = [f"Eq({s}[{-k}], {k}/4)" for k in range(1, lag + 1)]
    past = m.rng.choice([f"{s}[t-{lag}]*1.5", f"{s}[t-{lag}] + {s}[t-1]/3", f"sin({s}[t-{lag}])*{s}[t-1]"])
    own = f"Eq({s}[{at}], {m.rng.choice(['0.25', f'{x}[0]'])})"
    y = m.fresh("y")
    m.add(
        f"Eq({s}[t], tanh({past} + {x}[Mod(t, T)]))", own, *starts,
        f"Eq({y}, {m.rng.choice([f'{s}[T+6]', f'Sum({s}**2)', f'{s}[T+6] + {s}[T+5]'])})",
        **{s: ("T + 7",), y: ()},
    )  # fmt: skip


@kind
def columns_apart(m: Maker) -> None:
    """The first columns recur by themselves, the others read them."""
    s, v, x, y = m.fresh("s"), m.fresh("v"), m.with_dims("T", "N"), m.fresh("y")
    edge = m.rng.choice(["1", "2", "N//2"])
    other = m.rng.choice([f"{s}[t, 0]", f"{s}[t-1, 0]", f"{v}[t, 0]", f"{s}[t, j]*{v}[t-1, 0]"])
    m.add(
        f"Eq({s}[t, j], Piecewise((tanh({v}[t-1, j] + {x}[t, j]), j < {edge}), (tanh({v}[t-1, j]), True)))",
        f"Eq({v}[t, j], Piecewise((exp(-{s}[t, j]**2), j < {edge}), (cos({s}[t, j] + {other}), True)))",
        f"Eq({v}[-1, j], 0.1*j)", f"Eq({s}[-1, j], 0)",
        f"Eq({y}, {m.rng.choice([f'Sum({v}[T-1, i], i)', f'Sum({v}**2)'])})",
        **{s: ("T", "N"), v: ("T", "N"), y: ()},
    )  # fmt: skip


@kind
def products_alike(m: Maker) -> None:
    """Two contractions of one shape that differ in a detail."""
    a, b, y, z = m.with_dims("T", "N"), m.given("N", "M"), m.fresh("y"), m.fresh("z")
    one, other = m.rng.choice([
        ("tanh({a} - {b})", "tanh({b} - {a})"), ("relu({a}*{b} - 1)", "relu({a}*{b} - 2)"), ("{a}*{b}", "{a}*{b}*{b}"),
        ("{a}*{b}", "Piecewise(({a}*{b}, Eq(Mod(k, 2), 0)), (0, True))"), ("{a}*{b}", "{a}*{b}*k"),
        ("Max({a}, {b})", "{a}*{b}"),
    ])  # fmt: skip
    whole = [e.format(a=f"{a}[i, k]", b=f"{b}[k, j]") for e in (one, other)]
    kinds = m.rng.choice([("Sum", "Sum"), ("Sum", "amax"), ("amin", "Sum")])
    m.add(
        f"Eq({y}[i, j], {kinds[0]}({whole[0]}, k))", f"Eq({z}[i, j], {kinds[1]}({whole[1]}, k))",
        **{y: ("T", "M"), z: ("T", "M")},
    )  # fmt: skip


@kind
def computed_places(m: Maker) -> None:
    """Subscripts that are neither affine nor from data, and computed ones from data."""
    x, y = m.with_dims("T"), m.fresh("y")
    q = m.given("N", how="index:T", role="Input")
    place = m.rng.choice([
        "Mod(i*i, T)", f"Mod({q}[i] + i, T)", f"Mod(2*{q}[i] + 1, T)", "Min(i*i, T-1)", f"T - 1 - {q}[i]"
    ])  # fmt: skip
    m.add(f"Eq({y}[i], {x}[{place}]*{m.rng.choice(['2', f'{q}[i]', 'cos(i)'])})", **{y: ("N",)})


@kind
def windows_moved(m: Maker) -> None:
    """A window at a place that one number from data tells; one that sizes tell, not affinely."""
    y, w, x = m.fresh("y"), m.given("N"), m.with_dims("N + R")
    at = m.rng.choice([
        "i + {}", "N - 1 - i + {}", "i + Min({}, R)", "i + Min(2, R)", "i + Min(R, N)", "i + Max(R - 2, 0)"
    ])  # fmt: skip
    if "{}" in at:
        at = at.format(m.given(how="index:R + 1", role="Input"))
    form = m.rng.choice([f"{w}[i]*{x}[{at}]", f"tanh({x}[{at}])**2 + {w}[i]", f"{w}[i]*{x}[{at}]*{x}[{at}]"])
    whole = m.rng.random() < 0.5
    m.add(f"Eq({y}, Sum({form}, i))" if whole else f"Eq({y}[i], {form})", **{y: () if whole else ("N",)})


@kind
def elements_at_computed_sizes(m: Maker) -> None:
    """One state of a recurrence, and a row of a matrix, at Min or Max of sizes."""
    s, y, x, w = m.fresh("s"), m.fresh("y"), m.with_dims("T"), m.given("M + 1", "N")
    at = m.rng.choice(["Min(2, T)", "Max(T - 1, 0)", "Min(T, N)", "Mod(T*T, T + 1)"])
    row = m.rng.choice(["Min(1, M)", "Min(M, N)", "Max(M - 2, 0)"])
    m.add(
        f"Eq({s}[0], 0.5)", f"Eq({s}[t], sin({x}[t-1] + {s}[t-1]))",
        f"Eq({y}[i], {m.rng.choice([f'{s}[{at}]*{w}[{row}, i]', f'{s}[{at}]', f'{w}[{row}, i] + {s}[T]*{s}[{at}]'])})",
        **{s: ("T + 1",), y: ("N",)},
    )  # fmt: skip


@kind
def index_beside_its_remainder(m: Maker) -> None:
    x, y = m.with_dims("T"), m.fresh("y")
    place = m.rng.choice(["t - Mod(t, 3)", "t - t//2", "t//3 + Mod(t, 3)", "t - Mod(t, 4)//2"])
    form = m.rng.choice(
        ["{x}[t] - sin({x}[{p}])", "{x}[{p}]*{x}[t]", "tanh({x}[{p}])", "{x}[{p}]**2 + cos(t)*{x}[{p}]"]
    )
    m.add(f"Eq({y}[t], {form.format(x=x, p=place)})", **{y: ("T",)})


@kind
def product_with_jumps(m: Maker) -> None:
    """A contraction over two indices one of which jumps, or under a condition on row and summed index; a diagonal."""
    x, v, y = m.given("2*R", "M", "N"), m.given("R", "M", "N"), m.fresh("y")
    form = m.rng.choice([
        "Sum({x}[2*k, m, i]*{v}[k, m, j], k, m)", "Sum({x}[2*k + 1, m, i]*tanh({v}[k, m, j]), k, m)",
        "Sum(Piecewise(({x}[k, m, i]*{v}[k, m, j], Eq(Mod(i + m, 2), 0)), (0, True)), (k, 0, R - 1), m)",
        "Sum({x}[2*R - 1 - 2*k, m, i]*{v}[k, m, j], m, k)",
    ])  # fmt: skip
    z = m.fresh("z")
    part = m.rng.choice([f"{y}[i, j]*{y}[i, i]", f"{y}[i, j] - {y}[j, j]", f"{y}[j, i]/(2 + {y}[i, j]**2)"])
    m.add(f"Eq({y}[i, j], sin({form.format(x=x, v=v)}))", f"Eq({z}[i, j], {part})", **{y: ("N", "N"), z: ("N", "N")})
