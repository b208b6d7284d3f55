"""The number of threads that libraries are told, and variables that are set for a moment."""

from __future__ import annotations

import os

import pytest

from impls.peers.threads import environment_variable, thread_count


@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("3", 3), (" 2 ", 2), ("4,2", 4)])
def test_openmps_variable_gives_the_number(value: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert thread_count() == threads


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_else_it_is_that_of_the_usable_processors(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert 1 <= thread_count() <= (os.cpu_count() or 1)


def test_a_variable_is_afterwards_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONVPROF_TEST", raising=False)
    with environment_variable("CONVPROF_TEST", "inner"):
        assert os.environ["CONVPROF_TEST"] == "inner"
    assert "CONVPROF_TEST" not in os.environ
    monkeypatch.setenv("CONVPROF_TEST", "outer")
    with environment_variable("CONVPROF_TEST", "inner"):
        assert os.environ["CONVPROF_TEST"] == "inner"
    assert os.environ["CONVPROF_TEST"] == "outer"
