"""More kinds of equations: three axes, reductions at every nesting, shared subexpressions, integers beside reals."""

from __future__ import annotations

from tests.fuzz.programs import Maker, kind

REDUCTIONS = ("Sum", "Prod", "Mean", "amax", "amin", "logsumexp")
THREE = ("T", "N", "M")


@kind
def three_axes(m: Maker) -> None:
    y = m.fresh("y")
    e = m.expr(dict(zip("tij", THREE, strict=True)), 2)
    m.add(f"Eq({y}[t, i, j], {m.bounded(e)})", **{y: THREE})


@kind
def sum_of_three_axes(m: Maker) -> None:
    a, y = m.with_dims(*THREE), m.fresh("y")
    over, left, dims = m.rng.choice([
        ("j", "[t, i]", ("T", "N")), ("i", "[t, j]", ("T", "M")), ("t", "[i, j]", ("N", "M")),
        ("t, j", "[i]", ("N",)), ("i, j", "[t]", ("T",)), ("t, i, j", "", ()),
    ])  # fmt: skip
    name = m.rng.choice(["Sum", "Mean", "amax", "amin", "logsumexp"])
    m.add(f"Eq({y}{left}, {name}({a}[t, i, j]*{m.rng.choice(['1', '0.5', f'{a}[t, i, j]'])}, {over}))", **{y: dims})


@kind
def batched_product(m: Maker) -> None:
    a, b, y = m.with_dims("R", "N", "M"), m.given("R", "M", "N"), m.fresh("y")
    form = m.rng.choice([f"Sum({a}[k, i, j]*{b}[k, j, n], j)", f"Sum({a}[k, i, j]*{b}[k, j, n]*{b}[k, j, i], j)"])
    m.add(f"Eq({y}[k, i, n], {m.rng.choice(['', 'tanh'])}({form}))", **{y: ("R", "N", "N")})


@kind
def solid_convolution(m: Maker) -> None:
    """Three axes; strides and dilations, or everything."""
    x, w, y = m.given("N", "M", "3", role="Input"), m.given("2", "R", "2"), m.fresh("y")
    if m.rng.random() < 0.5:
        m.add(f"Eq({y}, gc.{m.rng.choice(['conv', 'correlate'])}({x}, {w}))", **{y: ("N + 1", "M + R - 1", "4")})
    else:
        s, d = m.rng.randint(1, 3), m.rng.randint(1, 3)
        mode = f"'same', ({s}, 1, 2), ({d}, 2, 1)"
        m.add(f"Eq({y}, gc.correlate({x}, {w}, {mode}))", **{y: (f"(N + {s - 1})//{s}", "M", "2")})


@kind
def image_with_a_rule(m: Maker) -> None:
    rule = m.rng.choice(["0", "'edge'", "'reflect'", "'symmetric'", "'wrap'"])
    x, w, y = m.given("N", "M", role="Input", more=f", outside={rule}"), m.given("3", "R"), m.fresh("y")
    s, d = m.rng.randint(1, 3), m.rng.randint(1, 2)
    back = m.rng.randint(0, 3)
    m.add(f"Eq({y}[i, j], Sum({x}[{s}*i + {d}*m - {back}, j - n + 1]*{w}[m, n], m, n))",
          **{y: (f"(N + {s - 1})//{s}", "M")})  # fmt: skip


@kind
def three_recurrence_axes(m: Maker) -> None:
    d, x = m.fresh("d"), m.with_dims("R", "3", "N")
    past = [f"{d}[k-1, i, j]", f"{d}[k, i-1, j]", f"{d}[k, i, j-1]"]
    m.rng.shuffle(past)
    value = f"{past[0]}*0.5 + {past[1]}*{x}[k, i, j] - {past[2]}"
    m.add(f"Eq({d}[k, i, j], {m.bounded(value)})", f"Eq({d}[-1, i, j], 0.1*j)", f"Eq({d}[k, -1, j], 0.2*k)",
          f"Eq({d}[k, i, -1], {m.rng.choice(['0', '1', '0.1*i'])})", **{d: ("R", "3", "N")})  # fmt: skip


@kind
def two_axes_backwards(m: Maker) -> None:
    d, x = m.fresh("d"), m.with_dims("T", "N")
    first, second = m.rng.choice([("t+1, i", "t, i-1"), ("t-1, i", "t, i+1"), ("t+1, i", "t, i+1")])
    ends = {"t+1, i": "Eq({}[T, i], 0.1*i)", "t-1, i": "Eq({}[-1, i], 0.3)",
            "t, i-1": "Eq({}[t, -1], 0.2*t)", "t, i+1": "Eq({}[t, N], 1)"}  # fmt: skip
    m.add(f"Eq({d}[t, i], tanh({d}[{first}] - {d}[{second}]*0.7 + {x}[t, i]))",
          ends[first].format(d), ends[second].format(d), **{d: ("T", "N")})  # fmt: skip


@kind
def shared(m: Maker) -> None:
    """One expression in two equations and twice in one."""
    y, z, axes = m.fresh("y"), m.fresh("z"), {"t": "T", "i": "N"}
    e, f = m.expr(axes, 2), m.expr(axes, 1)
    m.add(
        f"Eq({y}[t, i], tanh({e})*tanh({e}) + {m.bounded(f)})",
        f"Eq({z}[t], Sum(tanh({e})*{m.bounded(f)}, i)/(2 + Sum(Abs(tanh({e})), i)))",
        **{y: ("T", "N"), z: ("T",)},
    )


@kind
def reductions_in_reductions(m: Maker) -> None:
    axes = {"t": "T", "i": "N", "j": "R"}
    inner = m.bounded(m.expr(axes, 1, f"{m.given('N', 'R')}[i, j]"))
    first, second = m.rng.choice(REDUCTIONS), m.rng.choice(REDUCTIONS)
    mid = f"{first}({inner}, j)"
    body = m.rng.choice([mid, f"{mid}*{m.with_dims('T', 'N')}[t, i]", f"tanh({mid})", f"({mid} - amax({inner}, j))"])
    outer = f"{second}(cos(0.3*({body})), i)"
    y = m.fresh("y")
    if m.rng.random() < 0.3:
        m.add(f"Eq({y}, {m.rng.choice(REDUCTIONS)}(sin({outer}), t))", **{y: ()})
    else:
        m.add(f"Eq({y}[t], {m.rng.choice([outer, f'tanh({outer})', f'{outer} + sin({outer})'])})", **{y: ("T",)})


@kind
def reduction_inside_a_recurrence(m: Maker) -> None:
    s, w = m.fresh("s"), m.given("N", "N")
    name = m.rng.choice(REDUCTIONS)
    inner = m.rng.choice([f"{s}[t-1, j] + {w}[j, i]", f"{s}[t-1, j]*{w}[i, j]"])
    start = "-oo" if name == "logsumexp" and "+" in inner and m.rng.random() < 0.3 else m.rng.choice(["0", "0.3*i"])
    starts = [f"Eq({s}[-1, i], {start})"] + ([f"Eq({s}[-1, 0], 0)"] if start == "-oo" else [])
    value = f"{name}({inner}, j)"
    value = value if start == "-oo" else m.bounded(value)
    m.add(f"Eq({s}[t, i], {value} + {m.with_dims('T', 'N')}[t, i])", *starts, **{s: ("T", "N")})


@kind
def ranges(m: Maker) -> None:
    """Triangles and bands."""
    w, y = m.given("T", "T", role="Input"), m.fresh("y")
    name = m.rng.choice(["Sum", "Sum", "Prod", "amax"])
    limits = m.rng.choice(["(u, t, T - 1)", "(u, 0, t)", "(u, t//2, t)", "(u, 0, T - 1 - t)"])
    m.add(f"Eq({y}[t], {name}(cos({w}[t, u]*{m.with_dims('T')}[u]), {limits}))", **{y: ("T",)})


@kind
def integers_beside_reals(m: Maker) -> None:
    n, x, y = m.given("T", how="values", role="Input"), m.with_dims("T", "N"), m.fresh("y")
    form = m.rng.choice([
        f"{x}[t, i]*{n}[t]", f"{x}[t, i]/(1 + {n}[t]**2) + Mod({n}[t], 3)", f"Max({x}[t, i], {n}[t])",
        f"Piecewise(({x}[t, i], {n}[t] > 1), ({n}[t], True))", f"sin({x}[t, i] + {n}[t]//2)",
    ])  # fmt: skip
    m.add(f"Eq({y}[t, i], {form})", **{y: ("T", "N")})


@kind
def counts(m: Maker) -> None:
    """How often each number occurs, and a recurrence of integers."""
    n, c, h = m.given("T", how="values", role="Input"), m.fresh("c"), m.fresh("h")
    m.add(f"Eq({c}[t], Mod({c}[t-1]*3 + {n}[t], 7))", f"Eq({c}[-1], 1)", real=False,
          **{c: ("T",)})  # fmt: skip
    m.add(f"Eq({h}[i], Sum(Piecewise((0.5, Eq({n}[t], i)), (0, True)), t) + Sum({c}[t], t)/9)", **{h: ("N",)})


@kind
def largest_and_its_place(m: Maker) -> None:
    a, q, y = m.with_dims("T", "N"), m.fresh("q"), m.fresh("y")
    name = m.rng.choice(["argmax", "argmin"])
    value = m.rng.choice([f"{a}[t, i]", f"sin(3*{a}[t, i])", f"floor(2*{a}[t, i])"])
    m.add(f"Eq({q}[t], {name}({value}, i))", real=False, **{q: ("T",)})
    m.add(f"Eq({y}[t], {a}[t, {q}[t]]*{m.rng.choice(['2', f'{q}[t]'])})", **{y: ("T",)})


@kind
def ragged_recurrence(m: Maker) -> None:
    """Sequences of their own lengths, the last state of each."""
    x, n, s, y = m.with_dims("T", "N"), m.given("N", how="index:T", role="Input"), m.fresh("s"), m.fresh("y")
    m.add(f"Eq({s}[t, i], Piecewise((tanh({s}[t-1, i] + {x}[t, i]), t <= {n}[i]), ({s}[t-1, i], True)))",
          f"Eq({s}[-1, i], 0)", f"Eq({y}[i], {s}[{n}[i], i])", **{s: ("T", "N"), y: ("N",)})  # fmt: skip
