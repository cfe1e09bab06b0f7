"""The dependence graph in other forms: a page of its own to move about in, and Graphviz's text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphc.view.graph import Graph

_STYLES = {"plain": "solid", "delay": "dashed", "data": "dotted", "start": "dotted"}
_FILLS = {"input": "#e6f0fa", "param": "#fdf0da", "tensor": "#ffffff", "group": "#f0ecf7"}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  html, body {{ margin: 0; height: 100%; background: #fcfcfb; color: #1f2329; font: 14px/1.45 system-ui, sans-serif; }}
  #view {{ position: fixed; inset: 0; overflow: hidden; cursor: grab; touch-action: none; }}
  #view svg {{ width: 100%; height: 100%; }}
  #equation {{ position: fixed; left: 0; right: 0; bottom: 0; padding: .6em 1em; background: #f1f2f0ee; margin: 0;
    border-top: 1px solid #d8dad6; font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; min-height: 1.5em;
    max-height: 40%; overflow: auto; }}
  .node, .edge, .label {{ transition: opacity .12s; }}
  .dim {{ opacity: .18; }}
</style>
<div id="view">
{svg}</div>
<pre id="equation">{summary}</pre>
<script>
const svg = document.querySelector("#view svg"), box = svg.viewBox.baseVal, text = document.getElementById("equation");
const summary = text.textContent, home = [box.x, box.y, box.width, box.height];
const scale = () => Math.max(box.width / svg.clientWidth, box.height / svg.clientHeight);
svg.addEventListener("wheel", e => {{
  e.preventDefault();
  const at = new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const k = Math.exp(e.deltaY * 0.0015);
  box.x = at.x + (box.x - at.x) * k; box.y = at.y + (box.y - at.y) * k; box.width *= k; box.height *= k;
}}, {{ passive: false }});
let last = null;
svg.addEventListener("pointerdown", e => {{ last = [e.clientX, e.clientY]; svg.setPointerCapture(e.pointerId); }});
svg.addEventListener("pointermove", e => {{
  if (!last) return;
  const k = scale();
  box.x -= (e.clientX - last[0]) * k; box.y -= (e.clientY - last[1]) * k; last = [e.clientX, e.clientY];
}});
svg.addEventListener("pointerup", () => last = null);
svg.addEventListener("dblclick", () => [box.x, box.y, box.width, box.height] = home);
for (const title of svg.querySelectorAll("title")) {{
  title.parentNode.dataset.hint = title.textContent;
  title.remove();
}}
const nodes = [...svg.querySelectorAll(".node")], edges = [...svg.querySelectorAll(".edge")];
for (const part of svg.querySelectorAll(".node, .edge, .label")) {{
  part.addEventListener("pointerenter", () => {{
    text.textContent = part.dataset.hint;
    const name = part.dataset.name;
    if (!name) return;
    const near = new Set([name]);
    for (const e of edges) {{
      const on = e.dataset.from === name || e.dataset.to === name;
      e.classList.toggle("dim", !on);
      if (on) {{ near.add(e.dataset.from); near.add(e.dataset.to); }}
    }}
    for (const n of nodes) n.classList.toggle("dim", !near.has(n.dataset.name));
  }});
  part.addEventListener("pointerleave", () => {{
    text.textContent = summary;
    for (const other of [...nodes, ...edges]) other.classList.remove("dim");
  }});
}}
</script>
</html>
"""


def page(graph: Graph, svg: str) -> str:
    """A page that needs nothing but itself: drag to move, wheel to magnify, double click for the whole again."""
    given = ", ".join(n.name for n in graph.nodes if n.role != "tensor")
    summary = f"{len(graph.nodes)} tensors, {len(graph.edges)} reads; given: {given}"
    return _PAGE.format(title="Dependence graph", svg=svg, summary=escape(summary))


def to_dot(graph: Graph) -> str:
    """Graphviz's text, the parameters and auxiliary tensors included."""
    from graphc.view.graph import delay_text

    lines = ["digraph system {", "  rankdir=LR;", "  node [shape=box, style=filled];"]
    for n in graph.nodes:
        label = n.name + (f"\n{'×'.join(n.dims)}" if n.dims else "")
        lines.append(
            f"  {_quoted(n.name)} [label={_quoted(label)}, fillcolor={_quoted(_FILLS.get(n.role, '#ffffff'))}];"
        )
    for e in graph.edges:
        back = ", constraint=false" if e.kind == "delay" else ""
        label = delay_text(e) or e.access
        lines.append(
            f"  {_quoted(e.source)} -> {_quoted(e.target)} [label={_quoted(label)}, style={_STYLES[e.kind]}{back}];"
        )
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
