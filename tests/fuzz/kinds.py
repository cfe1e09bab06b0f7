"""The kinds of equations that random programs are made of."""

from __future__ import annotations

from tests.fuzz.programs import KINDS, Maker, kind


@kind
def pointwise(m: Maker) -> None:
    dims = m.rng.choice([("T", "N"), ("T",), ("N",), ("N", "M")])
    at = dict(zip("tij", dims, strict=False))
    y = m.fresh("y")
    m.add(f"Eq({y}[{', '.join(at)}], {m.bounded(m.expr(at, 3))})", **{y: dims})


@kind
def matrix_product(m: Maker) -> None:
    a, w = m.with_dims("T", "N"), m.given("M", "N")
    y = m.fresh("y")
    form = m.rng.choice([f"{w}[j, i]*{a}[t, i]", f"{a}[t, i]*tanh({w}[j, i])", f"sin({w}[j, i] + {a}[t, i])"])
    m.add(f"Eq({y}[t, j], {m.rng.choice(['', 'tanh'])}(Sum({form}, i)))", **{y: ("T", "M")})


@kind
def matrix_product_in_vectors(m: Maker) -> None:
    a, w, b = m.with_dims("T", "N"), m.given("N", "N"), m.given("N")
    y = m.fresh("y")
    product = m.rng.choice([f"{w} @ {a}[t]", f"{a}[t] @ {w}", f"{w}.T @ {a}[t]"])
    m.add(f"Eq({y}[t], {'' if m.integer else 'tanh'}({product} + {b}))", **{y: ("T", "N")})


@kind
def recurrence(m: Maker) -> None:
    s, lag = m.fresh("s"), m.rng.randint(1, 4)
    other = m.rng.randint(1, lag)
    scale = "" if m.integer else "/4"
    past = m.rng.choice([f"{s}[t-{lag}, i]", f"Sum({m.given('N', 'N')}[i, j]*{s}[t-{lag}, j], j){scale}"])
    must = [past] + ([f"{s}[t-{other}, i]"] if m.rng.random() < 0.5 else [])
    step = m.bounded(m.expr({"t": "T", "i": "N"}, 2, *must))
    if m.rng.random() < 0.5:
        start = m.rng.choice(["0", "1", f"{m.given('N')}[i]"])
        starts = [f"Eq({s}[{-k}, i], {start})" for k in range(1, lag + 1)]
    else:
        starts = [f"Eq({s}[{k}, i], {m.expr({'i': 'N'}, 1)})" for k in range(lag)]
    m.add(f"Eq({s}[t, i], {step})", *starts, **{s: ("T", "N")})


@kind
def scalar_recurrence(m: Maker) -> None:
    s, lag = m.fresh("s"), m.rng.randint(1, 4)
    must = [f"{s}[t-{k}]" for k in sorted({lag, m.rng.randint(1, lag)})]
    step = m.bounded(m.expr({"t": "T"}, 2, *must))
    starts = [f"Eq({s}[{-k}], {m.rng.choice(['0', '0.5', m.given()])})" for k in range(1, lag + 1)]
    m.add(f"Eq({s}[t], {step})", *starts, **{s: ("T",)})


@kind
def coupled(m: Maker) -> None:
    a, s = m.fresh("a"), m.fresh("s")
    w, u = m.given("N", "N"), m.given("M", "N")
    x = m.with_dims("T", "N")
    c = m.fresh("c")
    m.add(
        f"Eq({a}[t, i], {x}[t, i] + Sum({w}[i, j]*{s}[t-1, j], j)/3)",
        f"Eq({s}[t, i], {m.bounded(m.expr({'t': 'T', 'i': 'N'}, 1, f'{a}[t, i]'))})",
        f"Eq({s}[-1, i], 0)",
        f"Eq({c}[t, j], Sum({u}[j, i]*{s}[t, i], i))",
        **{a: ("T", "N"), s: ("T", "N"), c: ("T", "M")},
    )


@kind
def two_states(m: Maker) -> None:
    p, q = m.fresh("p"), m.fresh("r")
    at = {"t": "T"}
    m.add(
        f"Eq({p}[t], {m.bounded(m.expr(at, 1, f'{p}[t-1]', f'{q}[t-1]'))})",
        f"Eq({q}[t], {m.bounded(m.expr(at, 1, f'{q}[t-2]', f'{p}[t]'))})",
        f"Eq({p}[-1], 0.3)", f"Eq({q}[-1], 0.1)", f"Eq({q}[-2], {m.given()})",
        **{p: ("T",), q: ("T",)},
    )  # fmt: skip


@kind
def backward(m: Maker) -> None:
    b = m.fresh("b")
    lag = m.rng.randint(1, 3)
    step = m.bounded(m.expr({"t": "T", "i": "N"}, 2, f"{b}[t+{lag}, i]"))
    starts = [
        f"Eq({b}[T{f'+{k}' if k else ''}, i], {m.rng.choice(['0', '1', m.given('N') + '[i]'])})" for k in range(lag)
    ]
    m.add(f"Eq({b}[t, i], {step})", *starts, **{b: ("T", "N")})


@kind
def forward_then_backward(m: Maker) -> None:
    f, b, x = m.fresh("f"), m.fresh("b"), m.with_dims("T")
    m.add(
        f"Eq({f}[t], tanh({f}[t-1] + {x}[t]))", f"Eq({f}[-1], 0)",
        f"Eq({b}[t], sin({b}[t+1]*0.9 + {f}[t]))", f"Eq({b}[T], 0.2)",
        **{f: ("T",), b: ("T",)},
    )  # fmt: skip


@kind
def two_axes(m: Maker) -> None:
    d, c = m.fresh("d"), m.with_dims("T", "N")
    least = f"Min({d}[t-1, i] + 1, {d}[t, i-1] + 1, {d}[t-1, i-1] + {c}[t, i])"
    ways = least if m.integer else m.rng.choice([least,
                         f"tanh({d}[t-1, i]*0.5 + {d}[t, i-1]*{c}[t, i] - {d}[t-1, i-1])",
                         f"sin({d}[t-1, i] + {d}[t, i-2] + {c}[t, i])"])  # fmt: skip
    back = 2 if "i-2" in ways else 1
    slope = "2" if m.integer else "0.1"
    starts = [f"Eq({d}[t, {-k}], {slope}*t)" for k in range(1, back + 1)]
    if "t-1, i-1" in ways:
        starts.append(f"Eq({d}[-1, -1], 0)")
    m.add(f"Eq({d}[t, i], {ways})", f"Eq({d}[-1, i], {slope}*i)", *starts, **{d: ("T", "N")})


@kind
def stencil_in_time(m: Maker) -> None:
    u, w = m.fresh("u"), m.given("3")
    x = m.with_dims("N")
    form = m.rng.choice(
        [f"Sum({u}[t-1, i+m-1]*{w}[m], m)", f"Sum({u}[t-1, i-m]*{w}[m], m)", f"Sum({u}[t-1, 2*i-m]*{w}[m], m)"]
    )
    m.add(f"Eq({u}[t, i], tanh({form} + {x}[i]))", f"Eq({u}[-1, i], {x}[i])", **{u: ("T", "N")})


@kind
def convolution(m: Maker) -> None:
    a, w = m.with_dims("T", "N"), m.given("R")
    y = m.fresh("y")
    s, d = m.rng.choice([1, 1, 2, 3]), m.rng.choice([1, 1, 2, 3])
    form = m.rng.choice(["full", "other", "valid", "same", "conv"])
    if form == "full":
        m.add(f"Eq({y}[t, i], Sum({a}[t, m]*{w}[i-m], m))", **{y: ("T", "N + R - 1")})
    elif form == "other":
        m.add(f"Eq({y}[t, i], Sum({a}[t, i-{d}*m]*{w}[m], m))", **{y: ("T", f"N + {d}*(R - 1)")})
    elif form == "valid":
        m.add(f"Eq({y}[t, i], Sum({a}[t, {s}*i+{d}*m]*{w}[m], m))", **{y: ("T", f"(N - {d}*(R - 1) + {s - 1})//{s}")})
    elif form == "same":
        m.add(f"Eq({y}[t, i], Sum({a}[t, i+{d}*m-1]*{w}[m], m))", **{y: ("T", "N")})
    else:
        mode, which = m.rng.choice(["full", "same", "valid"]), m.rng.choice(["conv", "correlate"])
        dims = {"full": f"(N + {d}*(R - 1) + {s - 1})//{s}", "same": f"(N + {s - 1})//{s}",
                "valid": f"(N - {d}*(R - 1) + {s - 1})//{s}"}  # fmt: skip
        m.add(f"Eq({y}[t], gc.{which}({a}[t], {w}, '{mode}', {s}, {d}))", **{y: ("T", dims[mode])})


@kind
def convolution_over_time(m: Maker) -> None:
    x, w = m.with_dims("T"), m.given("R")
    y, d = m.fresh("y"), m.rng.choice([1, 2])
    m.add(f"Eq({y}[t], Sum({x}[t-{d}*m]*{w}[m], m))", **{y: ("T",)})


@kind
def image_convolution(m: Maker) -> None:
    image, w = m.with_dims("N", "M"), m.given("R", "2")
    y = m.fresh("y")
    m.add(f"Eq({y}[i, j], Sum({image}[m, n]*{w}[i-m, j-n], m, n))", **{y: ("N + R - 1", "M + 1")})


@kind
def channels(m: Maker) -> None:
    x, w = m.given("2", "N", role="Input"), m.given("3", "2", "R")
    y = m.fresh("y")
    m.add(f"Eq({y}[k, i], relu(Sum({x}[j, i+m-1]*{w}[k, j, m], j, m)))", **{y: ("3", "N")})


@kind
def boundary(m: Maker) -> None:
    rule = m.rng.choice(["0", "'edge'", "'reflect'", "'symmetric'", "'wrap'"])
    x, w = m.given("T", "N", role="Input", more=f", outside={rule}"), m.given("R")
    y, d = m.fresh("y"), m.rng.randint(1, 3)
    form = m.rng.choice(
        [f"{x}[t, i-{d}] + {x}[t, i+2]*{x}[t, i]", f"Sum({x}[t, i+m-1]*{w}[m], m)", f"{x}[t-{d}, i]*{x}[t, i+1]"]
    )
    m.add(f"Eq({y}[t, i], {form})", **{y: ("T", "N")})


@kind
def reduction(m: Maker) -> None:
    name = m.rng.choice(["Sum", "amax", "amin"] if m.integer else ["Sum", "Prod", "amax", "amin", "Mean", "logsumexp"])
    y = m.fresh("y")
    inner = m.expr({"t": "T", "i": "N"}, 2)
    if "[t, i]" not in inner:
        inner = f"({inner} + {m.with_dims('T', 'N')}[t, i])"
    if name == "Prod":
        inner = f"cos(0.2*{inner})"
    axis = m.rng.choice(["i", "i", "t", "t, i"])
    dims = {"i": ("T",), "t": ("N",), "t, i": ()}[axis]
    left = {"i": f"{y}[t]", "t": f"{y}[i]", "t, i": y}[axis]
    m.add(f"Eq({left}, {name}({inner}, {axis}))", **{y: dims})


@kind
def nested_reductions(m: Maker) -> None:
    a, w, y = m.with_dims("T", "N"), m.given("M", "N"), m.fresh("y")
    inner = m.rng.choice(
        [
            f"amax({w}[j, i]*{a}[t, i], i)",
            f"logsumexp({w}[j, i] + {a}[t, i], i)",
            f"Prod(cos({w}[j, i]*{a}[t, i]/4), i)",
        ]
    )
    outer = m.rng.choice(
        [f"Sum({inner}**2, j)", f"amin({inner}, j)", f"tanh(Sum(sin({inner}), j))", f"Mean({inner}, j)"]
    )
    m.add(f"Eq({y}[t], {outer})", **{y: ("T",)})


@kind
def softmaxes(m: Maker) -> None:
    a, y = m.with_dims("T", "N"), m.fresh("y")
    m.add(
        m.rng.choice([f"Eq({y}[t], softmax({a}[t]))", f"Eq({y}[t, i], exp({a}[t, i] - logsumexp({a}[t, j], j)))"]),
        **{y: ("T", "N")},
    )


@kind
def pooling(m: Maker) -> None:
    a, y = m.with_dims("T", "N"), m.fresh("y")
    r = m.rng.choice([2, 3])
    name = m.rng.choice(["amax", "Sum", "amin"])
    declare = (f"pool{r} = gc.index('pool{r}', {r})",)
    m.add(f"Eq({y}[t, i], {name}({a}[t, {r}*i+pool{r}], pool{r}))", declare=declare, **{y: ("T", f"N//{r}")})


@kind
def upsampling(m: Maker) -> None:
    a, y = m.with_dims("T", "N"), m.fresh("y")
    sub, dim = m.rng.choice([("i//2", "2*N"), ("i//3", "3*N - 1"), ("(i+1)//2", "2*N - 1"), ("Mod(i, N)", "N")])
    if "Mod" in sub:
        sub = "i//2 + Mod(i, 2)*0"
        dim = "2*N"
    m.add(f"Eq({y}[t, i], tanh({a}[t, {sub}]))", **{y: ("T", dim)})


@kind
def triangular(m: Maker) -> None:
    w, x, y = m.given("T", "T", role="Input"), m.with_dims("T"), m.fresh("y")
    forms = [
        f"Eq({y}[t], Sum({w}[t, u]*{x}[u], (u, 0, t)))",
        f"Eq({y}[t], tanh({x}[t] + Sum({w}[t, u]*{y}[u], (u, 0, t-1))/4))",
        f"Eq({y}[t], {x}[t] + amax({w}[t, u] + {x}[u], (u, 0, t)))",
        f"Eq({y}[t], Sum({x}[u]*{x}[t-u], (u, 0, t)))",
    ]
    m.add(m.rng.choice(forms), **{y: ("T",)})


@kind
def sum_to_the_present(m: Maker) -> None:
    w, x = m.given("T", "T", role="Input"), m.with_dims("T")
    y, z = m.fresh("y"), m.fresh("z")
    last = m.rng.choice(["t-1", "t"])
    before = f"Piecewise(({y}[t-1], t > 0), (0, True))" if last == "t" else f"{y}[t]/3"
    m.add(
        f"Eq({y}[t], Sum({w}[t, u]*{z}[u], (u, 0, {last}))/4)",
        f"Eq({z}[t], tanh({x}[t] + {before}))",
        **{y: ("T",), z: ("T",)},
    )


@kind
def attention(m: Maker) -> None:
    q, k, v = m.with_dims("T", "N"), m.with_dims("T", "N"), m.with_dims("T", "M")
    a, z, y = m.fresh("a"), m.fresh("z"), m.fresh("y")
    m.add(
        f"Eq({a}[t, u], Piecewise((exp(Sum({q}[t, i]*{k}[u, i], i)/N), u <= t), (0, True)))",
        f"Eq({z}[t], Sum({a}[t, u], u))",
        f"Eq({y}[t, j], Sum({a}[t, u]*{v}[u, j], u)/{z}[t])",
        **{a: ("T", "T"), z: ("T",), y: ("T", "M")},
    )


@kind
def embedding(m: Maker) -> None:
    word, table, y = m.given("T", how="index:R", role="Input"), m.given("R", "N"), m.fresh("y")
    m.add(
        m.rng.choice(
            [f"Eq({y}[t, i], {table}[{word}[t], i])", f"Eq({y}[t, i], tanh({table}[{word}[t], i]*{table}[0, i]))"]
        ),
        **{y: ("T", "N")},
    )


@kind
def gather_columns(m: Maker) -> None:
    a, q, y = m.with_dims("T", "N"), m.given("M", how="index:N", role="Input"), m.fresh("y")
    m.add(
        m.rng.choice([f"Eq({y}[t, j], {a}[t, {q}[j]])", f"Eq({y}[t, j], {a}[t, {q}[j]]*{m.given('M')}[j])"]),
        **{y: ("T", "M")},
    )


@kind
def ragged(m: Maker) -> None:
    a, q, y = m.with_dims("T", "N"), m.given("N", how="index:T", role="Input"), m.fresh("y")
    m.add(
        m.rng.choice(
            [f"Eq({y}[i], {a}[{q}[i], i])", f"Eq({y}[i], Sum({a}[t, i]*Piecewise((1, t < {q}[i]), (0, True)), t))"]
        ),
        **{y: ("N",)},
    )


@kind
def tree(m: Maker) -> None:
    left, right = m.given("T", how="before", role="Input"), m.given("T", how="before", role="Input")
    h, x = m.fresh("h"), m.with_dims("T", "N")
    m.add(
        f"Eq({h}[t, i], tanh({h}[{left}[t], i] - {h}[{right}[t], i]*0.7 + {x}[t, i]))",
        f"Eq({h}[0, i], {x}[0, i])",
        **{h: ("T", "N")},
    )


@kind
def diagonal(m: Maker) -> None:
    g, w = m.fresh("g"), m.given("N", "N")
    m.add(
        f"Eq({g}[i, j], {m.expr({'i': 'N', 'j': 'N'}, 1)} + {w}[i, j])",
        f"Eq({g}[i, i], {m.with_dims('N')}[i])",
        **{g: ("N", "N")},
    )


@kind
def split_in_two(m: Maker) -> None:
    y, at = m.fresh("y"), {"t": "T", "i": "N"}
    cond = m.rng.choice(["t < 3", "i < t", "t + i < N", "i > 1"])
    a, b = m.expr(at, 1), m.expr(at, 1)
    if cond == "t < 3":
        b = f"({b} + {m.with_dims('T', 'N')}[t-3, i])"
    if cond == "i > 1":
        a = f"({a} * {m.with_dims('T', 'N')}[t, i-2])"
    m.add(f"Eq({y}[t, i], Piecewise(({a}, {cond}), ({b}, True)))", **{y: ("T", "N")})


@kind
def reversed_and_transposed(m: Maker) -> None:
    a, y = m.with_dims("T", "N"), m.fresh("y")
    if m.rng.random() < 0.5:
        m.add(f"Eq({y}[t, i], sin({a}[T-1-t, {m.rng.choice(['i', 'N-1-i'])}]))", **{y: ("T", "N")})
    else:
        m.add(f"Eq({y}[i, t], {a}[t, i]*2)", **{y: ("N", "T")})


@kind
def outer_product(m: Maker) -> None:
    a, b, y = m.with_dims("N"), m.with_dims("T"), m.fresh("y")
    m.add(f"Eq({y}[t, i], {a}[i]*{b}[t])", **{y: ("T", "N")})


@kind
def last_step(m: Maker) -> None:
    s, x, y = m.fresh("s"), m.with_dims("T", "N"), m.fresh("y")
    last = m.rng.choice([f"{s}[T-1, i]", f"{s}[T-1, i] + {s}[T-2, i]"])
    m.add(
        f"Eq({s}[t, i], tanh({s}[t-1, i] + {x}[t, i] + {s}[t-2, i]))", f"Eq({s}[-1, i], 0)", f"Eq({s}[-2, i], 1)",
        f"Eq({y}[i], {last})",
        **{s: ("T", "N"), y: ("N",)},
    )  # fmt: skip


@kind
def running_extremum(m: Maker) -> None:
    s, x = m.fresh("s"), m.with_dims("T")
    m.add(
        f"Eq({s}[t], Max({s}[t-1], {x}[t]))",
        f"Eq({s}[-1], -oo)" if m.rng.random() < 0.3 else f"Eq({s}[-1], 0)",
        **{s: ("T",)},
    )


ALL = KINDS
INTEGER = [
    pointwise,
    two_axes,
    matrix_product_in_vectors,
    backward,
    recurrence,
    reduction,
    running_extremum,
    pooling,
    gather_columns,
    diagonal,
    split_in_two,
]
