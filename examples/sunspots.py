"""A recurrent network with hidden-to-hidden feedback learns to forecast next year's sunspot number.

a[t] = b + W s[t-1] + U x[t],  s[t] = tanh(a[t]),  o[t] = c + V s[t]: the network of the books, with a linear output in
place of the softmax (I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, 2016, section 10.2).
"""

from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

import graphc as gc
from graphc import Eq, Sum, tanh
from graphc.library import Optimiser, adam, chunks, mse

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
HIDDEN, STEPS, CHUNK = 8, 4000, 200
DECAYS = (0.002, 0.005, 0.01, 0.02)
VALIDATE, HELD_OUT = 1881, 1921  # the first years not learned from: to choose the decay, and to report
t = gc.index("t")


def model() -> tuple[gc.System, gc.System, Optimiser]:
    """The network with its error E; the same with a training step, by Adam, on E + decay * squares of the weights."""
    T, H = gc.sizes("T H")
    x, target = gc.inputs("x target", T)
    decay, rate = gc.inputs("decay rate")
    W, U, V, b, c = gc.Param("W", H, H), gc.Param("U", H), gc.Param("V", H), gc.Param("b", H), gc.Param("c")
    (a, s), o, (E, L) = gc.tensors("a s", T, H), gc.Tensor("o", T), gc.tensors("E L")
    network = gc.System(
        Eq(a[t], b + W @ s[t - 1] + U * x[t]),
        Eq(s[t], tanh(a[t])),
        Eq(s[-1], 0),
        Eq(o[t], c + V @ s[t]),
        Eq(E, mse(o[t], target[t], t)),
    )
    rule = adam(L, [W, U, V, b, c], rate)
    cost = Eq(L, E + decay * (Sum(W**2) + Sum(U**2) + Sum(V**2)))
    return network, gc.System(*network.equations, cost, *rule.equations), rule


def series() -> tuple[Array, Array]:
    """Years, and the mean sunspot number in each."""
    table = np.loadtxt(ROOT / "data" / "sunspots.csv", delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1]


def data(number: Array) -> dict[str, Array]:
    """What the network sees, the root of each year's number (roots scatter evenly), and the change to the next."""
    root = np.sqrt(number) / 5 - 1.2
    return {"x": root[:-1], "target": np.diff(root)}


def train(step: Any, rule: Optimiser, known: dict[str, Array], decay: float, label: str) -> dict[str, Array]:
    """Weights after STEPS steps of Adam at a falling rate, CHUNK of them in each native call."""
    rng, h = np.random.default_rng(0), HIDDEN
    weights = {"W": rng.normal(size=(h, h)) * 0.7 / np.sqrt(h), "U": rng.normal(size=h), "V": rng.normal(size=h) / h}
    weights |= {"b": np.zeros(h), "c": np.zeros(())}
    memory = rule.start(**weights)
    for k, chunk in enumerate(chunks(STEPS, CHUNK, label)):
        rate = 0.01 * (1 - k * CHUNK / STEPS)
        loss = step.loop(chunk.steps, **known, **weights, **memory, decay=decay, rate=rate)
        chunk.show(f"loss {loss:.4f}")
    return weights


def autoregression(series: Array, learned: Array, order: int = 9) -> Array:
    """A least-squares linear forecast from the last `order` values, fitted where `learned`; entry k is for year k+1."""
    columns = np.lib.stride_tricks.sliding_window_view(series[:-1], order)
    rows = np.column_stack([np.ones(len(columns)), columns])
    use = learned[order:]
    fit = np.linalg.lstsq(rows[use], series[order:][use])[0]
    return np.concatenate([np.full(order - 1, np.nan), rows @ fit])


def draw(year: Array, number: Array, forecasts: dict[str, Array], file: Path) -> None:
    """The whole series above; below the held-out years, with forecasts a year ahead."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 5.6), layout="constrained")
    top.plot(year, number, color="black", lw=0.9)
    top.axvspan(HELD_OUT, year[-1], color="tab:orange", alpha=0.12, label="held out")
    bottom.plot(year[1:], number[1:], "k.-", lw=0.9, ms=4, label="measured")
    for (name, values), style in zip(forecasts.items(), ("-", "--"), strict=True):
        bottom.plot(year[1:], values, style, lw=1.2, label=f"{name}, a year ahead")
    for axis, first in ((top, year[0]), (bottom, HELD_OUT)):
        axis.set(ylabel="sunspot number", xlim=(first, year[-1]), ylim=(0, 235))
        axis.legend(ncols=3, frameon=False, loc="upper left")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def show(rnn: gc.System, console: Console) -> None:
    """The equations, the graph of three steps, and what the compiler found."""
    console.rule("the equations")
    print(*(f"{e.lhs} = {e.rhs}" for e in rnn.equations), "", rnn.latex(), sep="\n")
    console.rule("unfolded for three steps")
    graph = rnn.unfold(t, 3).graph()
    (ROOT / "out").mkdir(exist_ok=True)
    (ROOT / "out" / "sunspots_unfolded.svg").write_text(graph.svg())
    dag = nx.DiGraph(graph.to_networkx())
    steps = [n for n in nx.topological_sort(dag) if n.startswith(("a_", "s_", "o_"))]
    print(*(f"{n:>4} <- {', '.join(sorted(dag.predecessors(n))) or 'start'}" for n in steps), sep="\n")
    print("picture: out/sunspots_unfolded.svg")
    console.rule("what the compiler found in the network and its gradient")
    console.print(rnn.grad("E").explain())


def main() -> dict[str, float]:
    """Root mean square errors on the held-out years, by forecast."""
    console = Console()
    (rnn, training, rule), (year, number) = model(), series()
    seen, ahead = data(number), year[1:]
    show(rnn, console)

    console.rule("training")
    started = perf_counter()
    step, predict = training.compile("L", update=rule.update), rnn.compile("o")
    print(f"training step and forecast compiled in {perf_counter() - started:.2f} s")

    def known(end: int) -> dict[str, Array]:
        return {name: array[ahead < end] for name, array in seen.items()}

    def fit(end: int, decay: float) -> tuple[dict[str, Array], Array]:
        weights = train(step, rule, known(end), decay, f"until {end - 1}, decay {decay:5.3f}")
        root = seen["x"] + predict(x=seen["x"], **weights)
        return weights, (5 * np.maximum(root + 1.2, 0)) ** 2

    def error(forecast: Array, first: int, after: int) -> float:
        chosen = (ahead >= first) & (ahead < after)
        return float(np.sqrt(np.mean((forecast - number[1:])[chosen] ** 2)))

    trials = {decay: error(fit(VALIDATE, decay)[1], VALIDATE, HELD_OUT) for decay in DECAYS}
    decay = min(trials, key=trials.__getitem__)
    print(f"decay {decay} forecasts {VALIDATE}-{HELD_OUT - 1} best: error {trials[decay]:.1f}")
    started = perf_counter()
    weights, network = fit(HELD_OUT, decay)
    native, started = (perf_counter() - started) / STEPS, perf_counter()
    arguments = {**known(HELD_OUT), **weights, **rule.start(**weights), "decay": decay, "rate": 0.01}
    training.evaluate(*rule.update.values(), **arguments)
    plain = perf_counter() - started
    print(f"a training step: {native * 1e6:.0f} µs native; interpreted {plain:.2f} s, {plain / native:,.0f} times that")

    learned = year < HELD_OUT
    linear, roots = autoregression(number, learned), autoregression(np.sqrt(number), learned) ** 2
    found = {"last value": number[:-1], "AR(9)": linear, "AR(9) of the roots": roots, "network": network}
    errors = {name: error(values, HELD_OUT, year[-1] + 1) for name, values in found.items()}
    table = Table("forecast a year ahead", "error", title=f"{HELD_OUT}-{year[-1]}, root mean square")
    for name, value in errors.items():
        table.add_row(name, f"{value:.1f}")
    console.print(table)
    draw(year, number, {"network": network, "AR(9)": linear}, ROOT / "out" / "sunspots.png")
    print("plot: out/sunspots.png")
    return errors


if __name__ == "__main__":
    main()
