"""How fast work grows, in calls of functions: the same on each machine and under any load, unlike time."""

import sys

import numpy as np


def calls(run):
    """How many Python functions are called, by each other or by C."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def exponent(make, sizes):
    """The slope of the calls of `make(size)` against size, both in logarithms."""
    make(sizes[0] // 2)  # what is done once
    return np.polyfit(np.log(sizes), np.log([calls(lambda n=n: make(n)) for n in sizes]), 1)[0]
