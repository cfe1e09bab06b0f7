"""Every number that choices about loops depend on, and what a plan must know of a machine. Code generation has none."""

from __future__ import annotations

from dataclasses import dataclass

# Vectors and tiles
WINDOWS = 4  # the longest stride at which contiguous vectors with the elements between are loaded
SHORT = 4  # an index with at most this many values makes poor vectors
ALONG = 4  # vectors in flight of a sum along vectors: enough to hide the latency of an addition
ACCUMULATORS = 12  # of all reductions that run together: the rest of 16 registers is for their operands
TILES = {16: (6, 2), 32: (14, 2)}  # (rows, vectors a row) by number of registers, two kept for operands, one to spread
TILE = (4, 1)  # on another machine
WIDE = 4  # vectors at once of a reduction without rows

# Long sums (blocked summation)
BLOCK = 128  # terms added one after the other in a register; a power of two
FAN = 32  # partial sums that a level of the cascade takes; a power of two

# Contractions in cache blocks
DEPTH = 256  # points of the summed indices in a panel: 16 KiB of two vectors each, half of a first-level cache
ROWS = 256  # of a long sum at a time: their partial sums are two vectors each, 16 or 32 KiB a level

# Registers and memory
MAX_LAG = 8  # steps that a loop hands on in registers
LINE = 64  # bytes of a line of a cache
ALIASED = 1024  # bytes; rows a multiple of that apart share few sets of a cache, and drive each other out

# What LLVM takes long for
PIECE = 4000  # operations in one function: it takes longer than in proportion to a function's length
INLINED = 16  # long functions in scalar code up to which each is copied in place
SHARED_IN_LOOP = 40  # nodes of a nest's values from which a call of shared code is worth it inside a loop over steps


@dataclass(frozen=True)
class Machine:
    """So many vector registers, each of so many `lanes` of real numbers of so many bits, which are rounded or not."""

    registers: int
    lanes: int
    bits: int
    rounds: bool = True

    @property
    def tile(self) -> tuple[int, int]:
        """(rows, vectors a row) of a tile of accumulators."""
        return TILES.get(self.registers, TILE)
