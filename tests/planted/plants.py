"""Errors to plant: one change of one line each, of the kinds that compilers like this one have had.

`found_by`: tests that must fail with it. The rest of the suite may fail, too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plant:
    """`before`, which stands once in `file` (of graphc/), becomes `after`."""

    what: str
    file: str
    before: str
    after: str
    found_by: str


PLANTS = (
    # Transforms
    Plant("equal contributions to an adjoint collapse into one", "transforms/pullback.py",
          "counts[part] = counts.get(part, 0) + 1", "counts[part] = 1", "tests/regressions/test_accumulation.py"),
    Plant("of several terms only the first has an adjoint (clamped edges)", "transforms/differentiate.py",
          "for read, value in _pullback(eq, term, seed, adjoints, counts).items():",
          "for read, value in _pullback(eq, term, seed, adjoints, counts).items() if term is eq.terms[0] else ():",
          "tests/regressions/test_edges.py"),
    Plant("the gradient of a maximum goes to all of several equal ones", "transforms/differentiate.py",
          "shared = seed / Read(counts.tensor, term.write)", "shared = seed", "tests/transforms/test_differentiate.py"),
    Plant("a partial of a branch not taken is multiplied by 0", "transforms/pullback.py",
          'return make("and", guard, c), value * p', 'return guard, value * partial',
          "tests/regressions/test_singular.py"),
    Plant("a change of index goes one step too far", "transforms/gather.py",
          "inverse = affine_sum({**rest, new: 1}, -constant)", "inverse = affine_sum({**rest, new: 1}, 1 - constant)",
          "tests/transforms"),
    Plant("a change of index keeps the sign", "transforms/gather.py",
          "    if sign < 0:\n        inverse = -inverse", "    if sign < -1:\n        inverse = -inverse",
          "tests/transforms"),
    Plant("equations over other points count as equal", "transforms/share.py",
          "_renamed(s) == _renamed(t) and bool(s.domain.set.is_equal(t.domain.set))", "_renamed(s) == _renamed(t)",
          "tests/transforms"),
    Plant("a sum and a product of the same count as equal", "transforms/share.py",
          "eq.reduce,\n                eq.tensor.kind", "eq.tensor.kind", "tests/transforms"),
    Plant("terms over other points are merged", "transforms/merge.py",
          "if points is not other.domain.set and not points.is_equal(other.domain.set):", "if points is None:",
          "tests/transforms"),
    Plant("what a cycle reads of itself is not kept", "transforms/prune.py",
          "if all(t in found and _covers(found[t], grown[t]) for t in grown):", "if grown:", "tests/transforms"),
    Plant("what recurs leaves its loop", "transforms/hoist.py",
          "if (isinstance(node, Read) and node.tensor in cycle) or any(", "if any(", "tests/transforms"),
    Plant("log(1 - x) becomes log1p(x)", "transforms/stabilise.py",
          'return make("log1p", -x)', 'return make("log1p", x)', "tests/transforms"),
    Plant("an unfolded step reads the step before", "transforms/unfold.py",
          "return Read(steps[node.tensor][int(step.value)],",
          "return Read(steps[node.tensor][max(0, int(step.value) - 1)],",
          "tests/transforms"),
    Plant("terms round as the compiler likes where they are compared", "codegen/kernel.py",
          "e.flags = () if equal_bits else FUSED", "e.flags = FUSED", "tests/regressions/test_ties.py"),
    Plant("a producer is taken into a reader of a maximum", "transforms/inline.py",
          '    if eq.reduce in ("max", "min"):\n        return True', "", "tests/transforms"),
    # Equations
    Plant("indices of reductions inside keep their old names", "equations/reduce.py",
          "    mapping: dict[Expr, Expr] = dict(new.items())\n    for r in reduces(e):",
          "    mapping: dict[Expr, Expr] = dict(new.items())\n    for r in ():", "tests/equations tests/regressions"),
    # Schedule
    Plant("a distance of 0 counts as progress", "schedule/dependence.py",
          'against, none = ("lt", "le") if step > 0 else ("gt", "ge")',
          'against, none = ("lt", "lt") if step > 0 else ("gt", "gt")', "tests/schedule tests/transforms"),
    Plant("a recurrence counts as parallel (run in vectors)", "schedule/dependence.py",
          "return len(component) > 1 or any(d.source is d.target for d in deps if d.source is component[0])",
          "return len(component) > 1", "tests/regressions/test_recurrences.py"),
    Plant("dependent statements are fused", "schedule/fuse.py",
          "return None if _is_read(nest, s) else links", "return links", "tests/schedule tests/regressions tests/fuzz"),
    Plant("a ring is one step short", "schedule/rings.py",
          "need = max(need, back + 1)", "need = max(need, back)", "tests/schedule tests/transforms"),
    Plant("what is read behind the loop is not counted for a ring", "schedule/rings.py",
          "need = max(need, behind + 1)", "need = max(need, 1)", "tests/schedule tests/transforms tests/fuzz"),
    Plant("blocks of time overlap", "schedule/blocks.py",
          "low, high = loop.lower + Const(BLOCK) * block, loop.lower + Const(BLOCK) * block + (BLOCK - 1)",
          "low, high = loop.lower + Const(BLOCK) * block, loop.lower + Const(BLOCK) * block + BLOCK",
          "tests/schedule tests/codegen"),
    Plant("an addend loses its sign where a chain is shortened", "schedule/chain.py",
          'total = make("add" if sign else "sub", total, done[a])', 'total = make("add", total, done[a])',
          "tests/transforms tests/systems"),
    Plant("diagonals are stored by the difference", "schedule/skew.py",
          "    return subs[0] + subs[1], subs[0]", "    return subs[0] - subs[1], subs[0]", "tests/schedule"),
    Plant("the interior of a convolution is too large", "schedule/interior.py",
          "whole = (shadow.set - cut.set).coalesce()", "whole = shadow.set.coalesce()",
          "tests/schedule tests/transforms tests/codegen"),
    Plant("a transposed copy has its axes in the old order", "schedule/layout.py",
          "subs = tuple(indices[order.index(a)] for a in range(len(source.dims)))",
          "subs = tuple(indices[order[a]] for a in range(len(source.dims)))", "tests/transforms tests/codegen"),
    # Code generation
    Plant("products of indices have 32 bits", "codegen/emitter.py",
          'self.remember(key, self.builder.mul(a, b, flags=("nsw",)))',
          "self.remember(key, self.builder.sext(self.builder.trunc(self.builder.mul(a, b), ir.IntType(32)), I64))",
          "tests/regressions/test_addresses.py"),
    Plant("the last lane of a tail is left out", "codegen/loops.py",
          'b.icmp_signed("<=", iota, e.splat(left, lanes))', 'b.icmp_signed("<", iota, e.splat(left, lanes))',
          "tests/codegen/test_vectors.py"),
    Plant("a tail has one lane too many", "codegen/loops.py",
          "left = b.sub(last, i)", "left = b.add(b.sub(last, i), ir.Constant(I64, 1))",
          "tests/codegen/test_memory_safety.py"),
    Plant("blocks of rows go beyond the last", "codegen/loops.py",
          "limit = b.sub(last, ir.Constant(I64, rows - 1))", "limit = last",
          "tests/codegen/test_contraction.py tests/codegen/test_memory_safety.py"),
    Plant("tails are loaded without a mask", "codegen/memory.py",
          "        mask = None if e.refs[read.tensor].padded else e.tile.mask\n        return vector_load",
          "        mask = None\n        return vector_load", "tests/codegen/test_memory_safety.py"),
    Plant("of a masked reduction all lanes count", "codegen/reduction.py",
          "return value if e.tile.mask is None else e.builder.select(e.tile.mask, value, otherwise)", "return value",
          "tests/codegen"),
    Plant("an index equal to the extent is accepted", "codegen/memory.py",
          'good = b.icmp_unsigned("<", position, extent)', 'good = b.icmp_unsigned("<=", position, extent)',
          "tests/codegen/test_memory_safety.py tests/refused"),
    Plant("an index from data may point forward", "codegen/memory.py",
          'return e.builder.and_(good, e.builder.icmp_signed("<", index, now))', "return good", "tests/refused"),
    Plant("lags in registers are moved in the wrong order", "codegen/kernel.py",
          "for k in range(depth - 1, 0, -1):", "for k in range(1, depth):", "tests/regressions/test_recurrences.py"),
    Plant("values at hand outlive a loop that changes them", "codegen/kernel.py",
          "            e.forget(s.tensor)\n    low, high", "            pass\n    low, high",
          "tests/codegen tests/transforms tests/systems tests/fuzz"),
    Plant("an elementwise update stores before a bad index is known", "codegen/kernel.py",
          'with e.only_if(e.builder.icmp_signed("==", code, ir.Constant(I64, 0))):', "if True:", "tests/runtime"),
    Plant("the panel of a contraction is one point short", "codegen/blocking.py",
          "end = b.sub(b.add(start, block.step), ir.Constant(I64, 1))", "end = b.sub(b.add(start, block.step), "
          "ir.Constant(I64, 2))", "tests/codegen/test_contraction.py"),
    Plant("a rim is summed with the extent of another", "codegen/contraction.py",
          "return a < b and e.refs[o.read.tensor].dims[a + 1 : b + 1] == lengths", "return a < b",
          "tests/codegen tests/transforms"),
    Plant("a buffer is cleared without its last axis", "codegen/memory.py",
          "    for extent in ref.extents:\n        words", "    for extent in ref.extents[:-1]:\n        words",
          "tests/codegen tests/transforms"),
    # Run time
    Plant("a call is taken for like the last though its shape differs", "runtime/frame.py",
          "if value.dtype is not dtype or value.shape != shape or", "if value.dtype is not dtype or", "tests/runtime"),
    Plant("what follows from shapes is kept without the sizes given", "runtime/function.py",
          "key = (tuple([(n, a.shape) for n, a in arrays.items()]), *given.items())",
          "key = (tuple([(n, a.shape) for n, a in arrays.items()]),)", "tests/runtime"),
    Plant("memory of a result is used again while it is held", "runtime/frame.py",
          "if _holders(spare, n) == _ALONE and", "if", "tests/runtime"),
    Plant("many runs in one call are one too few", "runtime/function.py",
          "return self._call(arguments, n.__index__())", "return self._call(arguments, max(1, n.__index__() - 1))",
          "tests/runtime"),
    Plant("a call in the middle of another uses its memory", "runtime/function.py",
          "if frame.busy:  # this call", "if False:  # this call", "tests/runtime/test_lifetime.py"),
)  # fmt: skip
