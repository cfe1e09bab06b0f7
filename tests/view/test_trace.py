"""The debug ladder."""

import pytest

from graphc import trace


@pytest.mark.parametrize(("text", "level"), [("0", 0), ("3", 3), ("9", 6), ("yes", 0), ("", 0)])
def test_the_level_is_a_number_from_the_environment(monkeypatch, text, level):
    monkeypatch.setenv("GRAPHC_DEBUG", text)
    assert trace.level() == level


def test_stages_add_up_and_are_printed_from_level_one(monkeypatch, capsys):
    times = {}
    for setting in ("0", "1"):
        monkeypatch.setenv("GRAPHC_DEBUG", setting)
        with trace.stage("schedule", times):
            pass
    assert times["schedule"] > 0
    assert capsys.readouterr().err.count("schedule") == 1


def test_a_stage_that_fails_is_timed_too():
    times = {}
    with pytest.raises(RuntimeError), trace.stage("emit", times):
        raise RuntimeError
    assert "emit" in times


def test_a_change_is_the_lines_that_differ(monkeypatch, capsys):
    monkeypatch.setenv("GRAPHC_DEBUG", "3")
    trace.show_change("share", "a = 1\nb = 2\nc = 3", "a = 1\nb = 4\nc = 3")
    trace.show_change("prune", "a = 1", "a = 1")
    assert capsys.readouterr().err == "[graphc] share:\n    - b = 2\n    + b = 4\n[graphc] prune: (unchanged)\n"


def test_each_thing_has_its_level(monkeypatch, capsys):
    monkeypatch.setenv("GRAPHC_DEBUG", "4")
    trace.show("program", "for t")
    trace.show("llvm", "define")
    assert capsys.readouterr().err == "[graphc] program:\n    for t\n"
