"""What the set-up script does in a clone, with a python that only writes down what it is asked for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "environment"
PYTHON = """#!/bin/sh
echo "$@" >>"{calls}"
sleep 0.3
"""


class Clone:
    """Hold a checkout with a .venv."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.python = root / ".venv" / "bin" / "python"
        (root / "scripts").mkdir()
        self.python.parent.mkdir(parents=True)
        shutil.copy(SCRIPT, root / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            (root / name).write_text(f"this is {name}\n")
        self.python.write_text(PYTHON.format(calls=self.calls))
        self.python.chmod(0o755)

    def start(self, extra: str = "") -> subprocess.Popen[str]:
        source = f'set -euo pipefail; source scripts/environment; ensure_environment {extra}; echo "ready in $root"'
        return subprocess.Popen(
            ["bash", "-c", source], cwd=self.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def installations(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def ready(process: subprocess.Popen[str], clone: Clone) -> bool:
    said, complaint = process.communicate()
    assert process.returncode == 0, complaint
    return said == f"ready in {clone.root}\n"


def test_an_environment_that_is_current_is_left_alone_and_nothing_is_written(clone: Clone) -> None:
    assert ready(clone.start("dev"), clone)
    assert len(clone.installations()) == 1
    assert clone.installations()[0].endswith(f"--editable {clone.root}[dev]")
    lock = clone.root / ".venv.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()  # cannot be opened for writing, not even by root, as nothing can in a read-only clone
    assert ready(clone.start("dev"), clone)
    assert len(clone.installations()) == 1


def test_changed_dependencies_are_installed(clone: Clone) -> None:
    assert ready(clone.start(), clone)
    (clone.root / "constraints.txt").write_text("torch==2\n")
    assert ready(clone.start(), clone)
    assert len(clone.installations()) == 2


@pytest.mark.skipif(shutil.which("flock") is None, reason="the lock is taken with flock")
def test_two_first_uses_at_once_install_once(clone: Clone) -> None:
    both = clone.start(), clone.start()
    assert [ready(process, clone) for process in both] == [True, True]
    assert len(clone.installations()) == 1
