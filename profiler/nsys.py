"""The installed Nsight Systems: where its command is, which version, and how a report becomes a database."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from profiler.errors import TraceError

__all__ = ["SEEN_BY_ALL_NSYS", "export_report", "find_nsys", "nsys_version", "run_limited"]

# The last nvtx whose ranges every nsys sees: later ones ask whether a domain is enabled, and old nsys say no.
SEEN_BY_ALL_NSYS = "0.2.11"

_EXPORT_LIMIT_S = 600.0
_VERSION_LIMIT_S = 30.0


def find_nsys() -> Path | None:
    """Find the command on PATH; None where there is none."""
    found = shutil.which("nsys")
    return Path(found) if found else None


def nsys_version(nsys: Path) -> str:
    """Ask for the version, as `2022.4.2.1`; '' where it does not say."""
    answer = run_limited([str(nsys), "--version"], _VERSION_LIMIT_S)
    found = re.search(r"\d{4}(?:\.\d+)+", answer[1])
    return found[0] if found else ""


def export_report(report: Path, target: Path, limit_s: float = _EXPORT_LIMIT_S) -> None:
    """Export a report as SQLite with the installed nsys; raises TraceError with the remedy where that fails."""
    if not report.is_file():
        raise TraceError(f"{report} is no file; name a report of Nsight Systems (.nsys-rep)")
    nsys = find_nsys()
    by_hand = f"run `nsys export --type sqlite {report.name}` where it was recorded and name the .sqlite instead"
    if nsys is None:
        raise TraceError(f"{report} can be read only through nsys, which is not on PATH; install it, or {by_hand}")
    command = [str(nsys), "export", "--type=sqlite", "--force-overwrite=true", f"--output={target}", str(report)]
    code, said = run_limited(command, limit_s)
    if code == 0 and target.is_file():
        return
    if code is None:
        raise TraceError(f"nsys took more than {limit_s:g} s to export {report}; {by_hand}")
    raise TraceError(
        f"nsys {nsys_version(nsys)} cannot export {report} ({_last_words(said)}); where the report was made by a later "
        f"version, install that one, or {by_hand}"
    )


def run_limited(command: Sequence[str], limit_s: float) -> tuple[int | None, str]:
    """Run a command to its end or its limit, then end its whole group; give its code (None: too long) and its words."""
    with tempfile.TemporaryFile() as words:  # a pipe would stay open for as long as a daemon that was started holds it
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        words.seek(0)
        return code, words.read().decode("utf-8", "replace")


def _last_words(said: str) -> str:
    """Give the last line that says something: progress is drawn over itself with carriage returns."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", said)]
    return next((line for line in reversed(lines) if line and "%" not in line), "it gave no message")
