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


def test_nothing_is_cached_between_processes(tmp_path):
    """numba#10128: no file is written by compiling and calling, so none can be stale or of another machine."""
    code = (
        "import sys, os, graphc as gc; from graphc import Eq;"
        "N = gc.sizes('N'); i = gc.indices('i'); x = gc.Input('x', N);"
        "opened = []; sys.addaudithook(lambda e, a: opened.append(a[0]) if e == 'open' and isinstance(a[1], str)"
        " and set(a[1]) & set('wax+') else None);"
        "f = gc.System(Eq(gc.Tensor('y', N)[i], 2*x[i])).compile('y'); assert f(x=[1.0, 2.0])[1] == 4; print(opened)"
    )
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "[]\n" and not list(tmp_path.iterdir())
