"""The installed nsys: what it says when it cannot export, and that it never outlives its limit."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psutil
import pytest

from profiler.errors import TraceError
from profiler.nsys import export_report, find_nsys, nsys_version, run_limited


@pytest.fixture
def put_nsys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder first on PATH; a test writes its nsys there."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "x.nsys-rep").write_bytes(b"report")
    return tmp_path / "nsys"


def _write(script: Path, body: str) -> None:
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


def test_a_report_of_a_later_version_is_refused_in_nsys_s_words(put_nsys: Path, tmp_path: Path) -> None:
    _write(
        put_nsys,
        'if [ "$1" = --version ]; then echo "NVIDIA Nsight Systems version 2022.4.2.1-df9881f"; exit 0; fi\n'
        "printf 'Exporting: [1%%]\\rExporting: [2%%]\\n'; echo 'Exportation error: Cannot read from stream.'; exit 1",
    )
    with pytest.raises(TraceError) as caught:
        export_report(tmp_path / "x.nsys-rep", tmp_path / "x.sqlite")
    assert str(caught.value) == (
        f"nsys 2022.4.2.1 cannot export {tmp_path / 'x.nsys-rep'} (Exportation error: Cannot read from stream.); where "
        "the report was made by a later version, install that one, or run `nsys export --type sqlite x.nsys-rep` where "
        "it was recorded and name the .sqlite instead"
    )


def test_an_export_that_takes_too_long_is_ended_with_all_it_started(put_nsys: Path, tmp_path: Path) -> None:
    _write(put_nsys, f"sleep 600 & echo $! > {tmp_path / 'pid'}; wait")
    with pytest.raises(TraceError, match=r"nsys took more than 0\.5 s to export"):
        export_report(tmp_path / "x.nsys-rep", tmp_path / "x.sqlite", limit_s=0.5)
    pid = int((tmp_path / "pid").read_text())
    left = [psutil.Process(pid)] if psutil.pid_exists(pid) else []
    assert psutil.wait_procs([each for each in left if each.status() != psutil.STATUS_ZOMBIE], timeout=20)[1] == []


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"missing\.nsys-rep is no file"):
        export_report(tmp_path / "missing.nsys-rep", tmp_path / "x.sqlite")


def test_what_a_command_says_and_how_it_ends_is_told() -> None:
    assert run_limited([sys.executable, "-c", "print('said'); raise SystemExit(3)"], 60) == (3, "said\n")


@pytest.mark.skipif(shutil.which("nsys") is None, reason="nsys is not installed; Debian's is in nsight-systems")
def test_the_real_nsys_tells_its_version_and_refuses_what_is_no_report(tmp_path: Path) -> None:
    nsys = find_nsys()
    assert nsys is not None
    assert nsys_version(nsys).startswith("20")
    (tmp_path / "x.nsys-rep").write_bytes(b"no report")
    with pytest.raises(TraceError, match="cannot export"):
        export_report(tmp_path / "x.nsys-rep", tmp_path / "x.sqlite")
