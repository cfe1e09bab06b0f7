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
