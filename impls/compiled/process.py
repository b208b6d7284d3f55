"""Runs a tool for a limited time, and ends it with its children when that is over."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence

__all__ = ["run_limited"]


def run_limited(command: Sequence[str], limit_s: float) -> tuple[int | None, str]:
    """Run a command and give its exit code and all it said; the code is None where it did not end in time.

    What it says goes to a file: a compiler's children, which are ended with it, could hold a pipe open. It stays in
    this process's group, so that whoever ends the group ends it too.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},  # messages in the language that their readers look for
        )
        code: int | None = None
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(limit_s)
        finally:
            if code is None:
                _end(process)
        said.seek(0)
        return code, said.read().decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        descendants = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for descendant in descendants:
            with contextlib.suppress(psutil.NoSuchProcess):
                descendant.kill()
    process.wait()
