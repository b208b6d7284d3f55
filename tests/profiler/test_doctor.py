"""What the doctor says where something is missing, and how little it asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from impls.cuda.nvrtc_library import Nvrtc
from profiler import doctor
from profiler.environment import read_environment
from profiler.manifest import Environment


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Environment] = []

    def counted() -> Environment:
        read.append(read_environment())
        return read[-1]

    monkeypatch.setattr(doctor, "read_environment", counted)
    findings = doctor.diagnose()
    assert len(read) == 1
    assert len(findings) == len(doctor.CHECKS) == len({finding.subject for finding in findings})


def test_torch_that_takes_too_long_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PROBE_LIMIT_S", 0.001)
    finding = doctor._profiler_ranges(read_environment())
    assert (finding.subject, finding.state) == ("profiler ranges", "broken")
    assert finding.text == "importing torch takes longer than 0.001 s, and workers do not wait so long"
    assert finding.remedy


def test_a_compiler_that_does_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nonexistent")
    finding = doctor._compiler(read_environment())
    assert (finding.subject, finding.state) == ("C compiler", "note")
    assert finding.text.startswith("c.direct is unavailable: $CC is '/nonexistent', which does not run")


@pytest.mark.parametrize(
    ("version", "nsys", "state"),
    [("0.2.11", True, "good"), ("0.2.12", False, "good"), ("0.2.12", True, "note")],
)
def test_an_nvtx_that_old_nsys_do_not_see_is_named_where_there_is_an_nsys(
    version: str, nsys: bool, state: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = read_environment()
    monkeypatch.setattr(doctor.importlib.metadata, "version", {"nvtx": version}.__getitem__)
    monkeypatch.setattr(doctor, "find_nsys", lambda: tmp_path / "nsys" if nsys else None)
    finding = doctor._nvtx(environment)
    assert (finding.subject, finding.state) == ("nvtx", state)
    assert ("pip install nvtx==0.2.11" in finding.remedy) == (state == "note")


def test_the_cuda_compiler_is_named_or_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_nvrtc", lambda: Nvrtc(None, "", (13, 0), (75, 80, 121)))
    finding = doctor._cuda_compiler(read_environment())
    assert (finding.state, finding.text) == ("good", "NVRTC 13.0, up to compute capability 12.1")
    monkeypatch.setattr(doctor, "find_nvrtc", lambda: None)
    finding = doctor._cuda_compiler(read_environment())
    assert finding.state == "note"
    assert finding.text.startswith("CUDA C++ can be neither run nor looked at: no NVRTC")
