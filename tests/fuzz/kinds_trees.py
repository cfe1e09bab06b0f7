"""Trees and networks: elements read others at places that data give, alone and beside recurrences along other axes."""

from __future__ import annotations

from tests.fuzz.programs import Maker, kind


@kind
def tree_of_cells(m: Maker) -> None:
    """Two coupled states; children by the one or the other."""
    h, c, left, right = m.fresh("h"), m.fresh("c"), *(m.given("T", how="before", role="Input") for _ in "lr")
    x = m.with_dims("T", "N")
    form = m.rng.choice([
        f"tanh({h}[{left}[t], i])*{c}[{left}[t], i] + {h}[{right}[t], i]*{c}[{right}[t], i]",
        f"{h}[{left}[t], i]*{c}[{left}[t], i]", f"{c}[{left}[t], i] - sin({h}[{right}[t], i])",
        f"tanh({h}[{left}[t], i])",
    ])  # fmt: skip
    m.add(
        f"Eq({c}[t, i], Piecewise(({form} + {x}[t, i], t > 0), ({x}[0, i], True)))",
        f"Eq({h}[t, i], tanh({c}[t, i])*{m.rng.choice(['0.5', f'cos({x}[t, i])'])})",
        **{h: ("T", "N"), c: ("T", "N")},
    )


@kind
def tree_of_two_ranks(m: Maker) -> None:
    """What a whole element comes to is read apart."""
    h, s, left, right = m.fresh("h"), m.fresh("s"), *(m.given("T", how="before", role="Input") for _ in "lr")
    x = m.with_dims("T", "N")
    whole = m.rng.choice(["Mean", "Sum", "amax", "logsumexp"])
    form = m.rng.choice([
        f"tanh({h}[{left}[t], i] + {s}[{right}[t]])", f"cos({s}[{right}[t]])*{h}[{left}[t], i]", f"tanh({s}[{left}[t]])"
    ])  # fmt: skip
    m.add(
        f"Eq({s}[t], {whole}({h}[t, i], i))",
        f"Eq({h}[t, i], Piecewise(({form} + {x}[t, i], t > 0), ({x}[0, i], True)))",
        **{s: ("T",), h: ("T", "N")},
    )


@kind
def tree_along_the_second_axis(m: Maker) -> None:
    h, left, x = m.fresh("h"), m.given("T", how="before", role="Input"), m.with_dims("N", "T")
    w = m.given("N", "N")
    form = m.rng.choice([
        f"{h}[i, {left}[t]]", f"Sum({w}[i, j]*{h}[j, {left}[t]], j)", f"{h}[i, {left}[t]]*{h}[i, t-1]",
        f"{h}[i, {left}[t]] + Piecewise(({h}[i-1, t], i > 0), (0, True))",
    ])  # fmt: skip
    m.add(f"Eq({h}[i, t], Piecewise((tanh({form} + {x}[i, t]), t > 0), ({x}[i, 0], True)))", **{h: ("N", "T")})


@kind
def network_in_time(m: Maker) -> None:
    """Reaches of a river: at each step in an order that data give, with what was there a step before."""
    q, up, x = m.fresh("q"), m.given("N", how="before", role="Input"), m.with_dims("T", "N")
    now = f"Piecewise((tanh({q}[t, {up}[i]] + {x}[t, i]), i > 0), ({x}[t, 0], True))"
    then = m.rng.choice([f"{q}[t-1, i]/2", f"{q}[t-1, i]*{q}[t-1, {up}[i]]", f"sin({q}[t-1, 0])"])
    m.add(f"Eq({q}[t, i], {now} + Piecewise(({then}, t > 0), (0, True)))", **{q: ("T", "N")})


@kind
def several_parents(m: Maker) -> None:
    h, x = m.fresh("h"), m.with_dims("T")
    parents = [m.given("T", how="before", role="Input") for _ in range(m.rng.randint(2, 3))]
    whole = m.rng.choice([" + ".join, lambda a: f"Max({', '.join(a)})", "*".join])
    m.add(
        f"Eq({h}[t], Piecewise((tanh({whole([f'{h}[{p}[t]]' for p in parents])} + {x}[t]), t > 0), ({x}[0], True)))",
        **{h: ("T",)},
    )
