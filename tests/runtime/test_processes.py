"""Functions in other processes: forked with this one's memory, or started anew and sent pickles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def in_a_process_of_its_own(*arguments):
    """Other tests' threads would make forks here unsafe."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-m", "tests.runtime.workers", *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=600,
    )  # fmt: skip
    assert done.stdout == "right\n", (done.returncode, done.stderr[-3000:])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_calls_what_it_inherits_and_compiles():
    """Code, systems and pickles in a child and in its child; the parent is as it was."""
    in_a_process_of_its_own("fork")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_fork_in_the_middle_of_other_threads_compilations():
    """The child used to inherit a lock that a thread of the parent held, and waited for it for ever."""
    in_a_process_of_its_own("fork_while_compiling")


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_functions_are_sent_to_a_pool_and_come_back(how):
    """Pickled both ways; what was sent is compiled there, and gives the same."""
    if how != "spawn" and not hasattr(os, "fork"):
        pytest.skip("fork")
    in_a_process_of_its_own("pool", how)
