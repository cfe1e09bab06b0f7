"""Expressions as LaTeX, with no more parentheses than a book has.

Each node's text comes with a level, the strength of what holds it together; a parent puts parentheses round a child
of a weaker level. No recursion: children are written before their parents.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from fractions import Fraction
from itertools import pairwise

from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder
from graphc.equations.simplify import affine_parts
from graphc.view.names import latex_name, split_step

OR, AND, COMPARE, SUM, PRODUCT, POWER, ATOM = range(7)
Text = tuple[str, int]

_INFIX = {
    "lt": ("<", COMPARE), "le": (r"\le", COMPARE), "gt": (">", COMPARE), "ge": (r"\ge", COMPARE),
    "eq": ("=", COMPARE), "ne": (r"\ne", COMPARE), "and": (r"\wedge", AND), "or": (r"\vee", OR),
    "mod": (r"\bmod", PRODUCT),
}  # fmt: skip
_FUNCTIONS = {
    **{f: "\\" + f for f in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "asinh": r"\operatorname{arsinh}",
    "acosh": r"\operatorname{arcosh}", "atanh": r"\operatorname{artanh}", "maximum": r"\max", "minimum": r"\min",
    "sign": r"\operatorname{sgn}", "heaviside": r"\Theta",
}  # fmt: skip
_AROUND = {"abs": ("|", "|"), "floor": (r"\lfloor ", r" \rfloor"), "ceil": (r"\lceil ", r" \rceil")}


class Formula:
    """Writes expressions: `names` says how each index is shown (its own name where it is not in there)."""

    def __init__(self, names: Mapping[Index, str] | None = None, known: Collection[str] = ()) -> None:
        self.names = names or {}
        self.known = known

    def __call__(self, e: Expr, least: int = OR) -> str:
        """The LaTeX of `e`, in parentheses if it holds together less than `least`."""
        return bracket(self.text(e), least)

    def text(self, e: Expr) -> Text:
        done: dict[Expr, Text] = {}
        for node in postorder(e):
            done[node] = self._node(node, done)
        return done[e]

    def signed(self, e: Expr) -> tuple[str, Text]:
        """The sign ("" or "-") of a product and the text of the rest."""
        text, level = self.text(e)
        if isinstance(e, Op) and e.name in ("neg", "mul", "div") and text.startswith("-"):
            return "-", (text[1:], PRODUCT)
        return "", (text, level)

    def element(self, name: str, subs: Collection[str]) -> Text:
        """The element of the tensor `name` at subscripts that are LaTeX already."""
        step = split_step(name)  # a scalar s_0 beside s must not look like the element 0 of s
        text, above = latex_name(name, self.known, below=not subs and (step is None or step[0] not in self.known))
        if subs:
            text += f"_{{{','.join(compact(s) for s in subs)}}}"
        return text, POWER if above else ATOM

    def _node(self, node: Expr, done: dict[Expr, Text]) -> Text:
        match node:
            case Const():
                return number(node.value)
            case Size(name=name):
                return latex_name(name, below=True)[0], ATOM
            case Index():
                return latex_name(self.names.get(node, node.name), below=True)[0], ATOM
            case Read():
                return self.element(node.tensor.name, [done[s][0] for s in node.subs])
            case Op(name="add" | "sub" | "neg") if node.kind == "weak":
                return _affine(node, done)
            case Op():
                return _operation(node, done)
        raise AssertionError(node)


def _affine(node: Op, done: dict[Expr, Text]) -> Text:
    """A sum of integers: what is added first, then what is subtracted, then the constant."""
    parts, constant = affine_parts(node)
    addends = []
    for leaf, k in sorted(parts.items(), key=lambda item: item[1] < 0):
        text = bracket(done[leaf], PRODUCT)
        addends.append(("-" if k < 0 else "", text if abs(k) == 1 else join_product([str(abs(k)), text])))
    if constant:
        addends.append(("-" if constant < 0 else "", str(abs(constant))))
        if addends[0][0] and constant > 0:
            addends.insert(0, addends.pop())
    return join_sum(addends), SUM


def number(value: object) -> Text:
    """A literal."""
    match value:
        case bool():
            return rf"\mathrm{{{str(value).lower()}}}", ATOM
        case Fraction():
            sign = "-" if value < 0 else ""
            return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", SUM if sign else PRODUCT
        case float() if not math.isfinite(value):
            text = r"\mathrm{nan}" if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"
            return text, SUM if text.startswith("-") else ATOM
    digits, _, exponent = repr(value).partition("e")
    level = SUM if digits.startswith("-") else ATOM
    if exponent:
        power = rf"10^{{{int(exponent)}}}"
        return (power, POWER) if digits == "1" else (rf"{digits} \cdot {power}", min(level, PRODUCT))
    return digits, level


def bracket(text: Text, least: int) -> str:
    """The text, in parentheses if its level is below `least`."""
    return text[0] if text[1] >= least else parentheses(text[0])


def parentheses(text: str) -> str:
    return _fence("(", ")", text)


def _fence(left: str, right: str, text: str) -> str:
    tall = any(sign in text for sign in (r"\frac", r"\sum", r"\prod", r"\begin"))
    return rf"\left{left}{text}\right{right}" if tall else f"{left}{text}{right}"


def compact(text: str) -> str:
    """Without the spaces round + and -, for a subscript."""
    return text.replace(" + ", "+").replace(" - ", "-").replace(r"\, ", "")


def _operation(node: Op, done: dict[Expr, Text]) -> Text:
    args = node.args
    match node.name, args:
        case (("add" | "sub"), (a, b)):
            return join_sum(
                [("", bracket(done[a], SUM)), ("-" if node.name == "sub" else "", _addend(done[b], node.name))]
            ), SUM
        case "neg", (a,):
            return "-" + bracket(done[a], PRODUCT), SUM
        case (("mul" | "div"), _):
            return _product(node, done)
        case "floordiv", (a, b):
            inner = rf"{bracket(done[a], PRODUCT)}/{bracket(done[b], POWER)}"
            return rf"\lfloor {inner} \rfloor", ATOM
        case "pow", (a, b):
            return f"{bracket(done[a], ATOM)}^{{{done[b][0]}}}", POWER
        case "sqrt", (a,):
            return rf"\sqrt{{{done[a][0]}}}", ATOM
        case "exp", (a,) if r"\frac" not in done[a][0] and len(done[a][0]) < 40:
            return f"e^{{{done[a][0]}}}", POWER
        case "stop", (Op(name="select", args=(Op(name="isfinite", args=(a,)), b, _)),) if a is b:  # of a logsumexp
            return r"\operatorname{finite}" + parentheses(done[a][0]), ATOM
        case "select", _:
            return _cases(node, done), ATOM
        case (("expm1" | "log1p"), (a,)):
            inner = bracket(done[a], SUM)
            return (
                (f"e^{{{inner}}} - 1", SUM) if node.name == "expm1" else (rf"\log{parentheses('1 + ' + inner)}", ATOM)
            )
        case name, (a, b) if name in _INFIX:
            sign, level = _INFIX[name]
            return f"{bracket(done[a], level + (level == COMPARE))} {sign} {bracket(done[b], level + 1)}", level
        case "not", (a,):
            return rf"\neg {bracket(done[a], ATOM)}", AND
        case name, (a,) if name in _AROUND:
            return _fence(*_AROUND[name], done[a][0]), ATOM
        case (("toint" | "toreal" | "stop"), (a,)):
            return done[a]
        case _:
            function = _FUNCTIONS.get(node.name, rf"\operatorname{{{node.name}}}")
            return function + _fence("(", ")", ", ".join(done[a][0] for a in args)), ATOM


def _addend(text: Text, sign: str) -> str:
    """The right argument of + or -: a sum there needs parentheses only behind a minus (or if it starts with one)."""
    return bracket(text, PRODUCT if sign or text[0].startswith("-") else SUM)


def join_sum(addends: list[tuple[str, str]]) -> str:
    """Addends with their signs ("" or "-"), joined."""
    (sign, first), *rest = addends
    return sign + first + "".join(f" {s or '+'} {text}" for s, text in rest)


def _product(node: Op, done: dict[Expr, Text]) -> Text:
    """Factors side by side, equal ones as a power; a quotient as one fraction, whatever quotients are inside it."""
    above: dict[Expr, int] = {}
    below: dict[Expr, int] = {}
    stack: list[tuple[Expr, bool]] = [(node, True)]
    while stack:
        e, up = stack.pop()
        if isinstance(e, Op) and e.name == "mul":
            stack.extend((a, up) for a in reversed(e.args))
        elif isinstance(e, Op) and e.name == "div" and (node.name == "div" or e.args[0].args == () == e.args[1].args):
            stack += [(e.args[1], not up), (e.args[0], up)]
        else:
            side = above if up else below
            side[e] = side.get(e, 0) + 1
    minus, top = _factors(above, done)
    _, bottom = _factors(below, done)
    if not below:
        text = join_product(top)
    elif node.name == "div":
        text = rf"\frac{{{join_product(top)}}}{{{join_product(bottom)}}}"
    else:
        plain = [e for e in above if isinstance(e, Const)]
        first = join_product(top[: len(plain)] or ["1"])
        text = join_product([rf"\frac{{{first}}}{{{join_product(bottom)}}}", *top[len(plain) :]])
    whole = len(top) == 1 and not below and not minus
    return "-" * minus + text, SUM if minus else POWER if whole else PRODUCT


def _factors(found: dict[Expr, int], done: dict[Expr, Text]) -> tuple[bool, list[str]]:
    """Whether the product is negative, and its factors without the sign: numbers first, no 1 among others."""
    texts, minus = [], False
    for e, power in sorted(found.items(), key=lambda item: not isinstance(item[0], Const)):
        text, level = done[e]
        if isinstance(e, Const) and text.startswith("-"):
            minus ^= bool(power % 2)
            text, level = text[1:], PRODUCT if "frac" in text else ATOM
        if text != "1":
            alone = len(found) == 1 and power == 1
            texts.append(
                bracket((text, level), SUM if alone else PRODUCT)
                if power == 1
                else f"{bracket((text, level), ATOM)}^{{{power}}}"
            )
    return minus, texts or ["1"]


def join_product(texts: list[str]) -> str:
    """Factors side by side."""
    total = texts[0]
    for before, text in pairwise(texts):
        thin = before.isdigit() and len(text) == 1
        total += rf" \cdot {text}" if text[0].isdigit() else text if thin else rf"\, {text}"
    return total


def _cases(node: Op, done: dict[Expr, Text]) -> str:
    rows = []
    last: Expr = node
    while isinstance(last, Op) and last.name == "select":
        condition, yes, last = last.args
        rows.append(rf"{done[yes][0]} & \text{{if }} {done[condition][0]}")
    rows.append(rf"{done[last][0]} & \text{{otherwise}}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"
