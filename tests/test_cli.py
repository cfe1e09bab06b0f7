"""The command line."""

import subprocess
import sys

import pytest

import graphc
from graphc.cli import main

ONE = """
import graphc as gc
from graphc import Eq
T = gc.sizes("T")
t = gc.index("t")
f, L = gc.Tensor("f", T), gc.Tensor("L")
p = gc.Param("p")
fib = gc.System(Eq(f[0], p), Eq(f[1], 1), Eq(f[t], f[t-1] + f[t-2]), Eq(L, gc.Sum(f[t], t)))

def made() -> gc.System:
    return fib
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "fibonacci.py"
    path.write_text(ONE)
    return path


def test_the_version_is_the_package_s(capsys):
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"graphc {graphc.__version__}\n"


def test_latex_prints_the_only_system_of_a_file(file, capsys):
    assert main(["latex", str(file)]) == 0
    assert r"f_{t} &= f_{t-1} + f_{t-2} && 2 \le t < T" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["fib", "made"])
def test_a_system_or_a_function_is_named_behind_a_colon(file, capsys, name):
    assert main(["explain", f"{file}:{name}"]) == 0
    assert "one step of t after another, forwards" in capsys.readouterr().out


def test_the_gradient_can_be_looked_at(file, capsys):
    assert main(["explain", str(file), "--grad", "L"]) == 0
    assert "backwards" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "start"), [("g.svg", "<svg"), ("g.html", "<!doctype html>"), ("g.dot", "digraph")])
def test_graph_writes_what_the_name_says(file, tmp_path, name, start, capsys):
    assert main(["graph", str(file), "-o", str(tmp_path / name), "--unfold", "t=4"]) == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    assert "a DAG" in capsys.readouterr().out


def test_graph_prints_dot_where_no_name_is_given(file, capsys):
    assert main(["graph", str(file)]) == 0
    assert '"f" -> "f" [label="t-1", style=dashed, constraint=false];' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latex", "nowhere.py"], "there is no file nowhere.py"),
        (["latex", "{file}:g"], "has no system g; it has made, fib"),
        (["graph", "{file}", "-o", "g.pdf"], "the name must end in .svg, .html or .dot"),
        (["latex", "{file}", "--unfold", "t"], "write an index and a number of steps, as in --unfold t=3"),
        (["latex", "{file}", "--unfold", "t=²"], "write an index and a number of steps, as in --unfold t=3"),
        (["graph", "{file}", "--rankdir", "TB"], "--rankdir, --max-nodes and --auxiliary are for pictures"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(file, capsys, arguments, message):
    assert main([a.format(file=file) for a in arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_system_that_is_refused_ends_with_its_own_message(file, capsys):
    assert main(["latex", str(file), "--grad", "f"]) == 1
    assert "not a scalar" in capsys.readouterr().err


def test_a_file_that_fails_is_named_with_its_line(tmp_path, capsys):
    path = tmp_path / "wrong.py"
    path.write_text("x = 1\ny = x / 0\n")
    assert main(["latex", str(path)]) == 2
    assert "wrong.py, line 2 failed: ZeroDivisionError: division by zero" in capsys.readouterr().err.replace("\n", " ")


def test_a_function_that_fails_is_named_with_its_line(file, capsys):
    file.write_text(ONE.replace("return fib", "return fib / 0"))
    assert main(["latex", f"{file}:made"]) == 2
    assert "fibonacci.py, line 11 failed: TypeError" in capsys.readouterr().err.replace("\n", " ")


def test_the_line_of_the_file_is_told_not_that_of_what_it_calls(tmp_path, capsys):
    path = tmp_path / "calls.py"
    path.write_text("def f():\n    raise ValueError('no')\n\nf()\n")
    assert main(["latex", str(path)]) == 2
    assert "calls.py, line 2 failed: ValueError: no" in capsys.readouterr().err.replace("\n", " ")


def test_functions_of_other_files_and_names_with_an_underscore_are_nobodys_systems(tmp_path, capsys):
    system = "import graphc as gc\nfrom graphc import Eq\n"
    (tmp_path / "other_makers.py").write_text(f"{system}def made() -> gc.System:\n    return gc.System()\n")
    path = tmp_path / "mine.py"
    path.write_text("from other_makers import made\n")
    assert main(["latex", f"{path}:made"]) == 2
    assert "has no system made" in capsys.readouterr().err
    path.write_text(f"{system}_own = gc.System(Eq(gc.Tensor('L'), 1))\nnet = gc.System(Eq(gc.Tensor('M'), 2))\n")
    assert main(["latex", str(path)]) == 0
    assert "M &= 2" in capsys.readouterr().out


def test_a_file_with_several_systems_asks_which(file, capsys):
    file.write_text(ONE + "second = fib.unfold(t, 3)\n")
    assert main(["latex", str(file)]) == 2
    assert "several systems: fib, second" in capsys.readouterr().err


def test_importing_graphc_does_not_import_what_only_views_need():
    code = "import sys, graphc; print([m for m in ('rich', 'networkx') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
