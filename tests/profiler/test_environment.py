"""What is read of the machine is plausible, and names nobody."""

from __future__ import annotations

import getpass
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from impls.compiled.compiler import find_compiler
from profiler import environment
from profiler.environment import HostTimes, host_load, read_environment, usable_cores, usable_processors


def test_the_environment_says_what_a_reader_compares() -> None:
    found = read_environment()
    assert found.processor
    assert 1 <= found.usable_cores <= found.cores
    assert found.memory_bytes > 2**20
    assert found.python.startswith(platform.python_implementation())
    assert {"torch", "numpy", "convprof"} <= set(found.packages)
    assert found.blas
    assert found.load_average >= 0


def test_the_environment_names_no_host_user_or_folder() -> None:
    text = msgspec.json.encode(read_environment()).decode()
    for secret in (platform.node(), sys.prefix, sys.executable):
        assert secret not in text
    if len(getpass.getuser()) > 4:
        assert getpass.getuser() not in text


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """Make a program that answers as a compiler does."""
    program = tmp_path / "fakecc"
    program.write_text("#!/bin/sh\necho fakecc 1.2.3\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("{}", "fakecc 1.2.3"),
        ("{} gcc", "fakecc gcc: fakecc 1.2.3"),
        ("env {}", "env fakecc: fakecc 1.2.3"),
        ("{}-which-is-not-there", ""),
    ],
)
def test_the_compiler_is_the_one_that_builds_without_its_folder(
    compiler: Path, monkeypatch: pytest.MonkeyPatch, setting: str, told: str
) -> None:
    monkeypatch.setenv("CC", setting.format(compiler))
    assert read_environment().compiler == told
    assert (find_compiler() is None) == (told == "")


def test_reading_imports_no_torch() -> None:
    source = "import sys, profiler.environment as e; e.read_environment(); print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


def test_usable_cores_respect_the_control_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_quota", lambda: 1.5)
    assert usable_cores() == 1
    monkeypatch.setattr(environment, "_quota", lambda: 0.2)
    assert usable_cores() == 1
    monkeypatch.setattr(environment, "_quota", lambda: 1e9)
    assert usable_cores() == len(usable_processors())


def test_what_others_use_is_what_is_busy_less_what_is_ours() -> None:
    before = HostTimes(moment=10.0, busy_s=100.0, steal_s=1.0, own_s=5.0)
    after = HostTimes(moment=14.0, busy_s=106.0, steal_s=1.2, own_s=7.0)
    assert after.others_since(before) == 1.0
    assert after.steal_since(before) == pytest.approx(0.05)
    # The kernel counts in hundredths of a second, so our own share may exceed the whole.
    assert replace(after, own_s=50.0).others_since(before) == 0.0


def test_the_load_is_a_number_of_processors() -> None:
    assert 0.0 <= host_load() <= len(usable_processors()) + 1
