"""PTX, machine code and resources of a kernel, without a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from impls.cuda import inspection
from impls.cuda.inspection import inspect_kernel
from impls.cuda.nvrtc_library import Nvrtc
from impls.errors import BuildError

# As nvdisasm prints it, shortened.
LISTING = """\
//--------------------- .text.other --------------------------
.text.other:
        /*0000*/                   EXIT ;
//--------------------- .text.wanted --------------------------
        .global         wanted
wanted:
.text.wanted:
        /*0000*/                   IMAD.MOV.U32 R1, RZ, RZ, c[0x0][0x28] ;
.L_x_2:
        /*0010*/               @!P0 LDG.E.128.CONSTANT R4, [R4.64] ;
        /*0020*/                   FFMA   R8, R4, c[0x3][0x8], R8 ;
        /*0030*/              @!UP0 STG.E.64 [R2.64], R8 ;
        /*0040*/                   LDS R3, [R3] ;
        /*0050*/               @P1 BRA `(.L_x_2) ;
        /*0060*/                   NOP;
        /*0070*/                   NOP;
.L_x_4:
.text.another:
        /*0000*/                   EXIT ;
"""
READ = (
    "0000: IMAD.MOV.U32 R1, RZ, RZ, c[0x0][0x28]",
    ".L_x_2:",
    "0010: @!P0 LDG.E.128.CONSTANT R4, [R4.64]",
    "0020: FFMA R8, R4, c[0x3][0x8], R8",
    "0030: @!UP0 STG.E.64 [R2.64], R8",
    "0040: LDS R3, [R3]",
    "0050: @P1 BRA `(.L_x_2)",
    "0060: NOP",
    "0070: NOP",
    ".L_x_4:",
)


@pytest.fixture(autouse=True)
def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_capability_here", lambda: None)


def test_a_kernels_instructions_are_read_and_counted() -> None:
    assert inspection._instructions(LISTING, "wanted") == READ
    assert inspection._counted(READ) == {"BRA": 1, "FFMA": 1, "IMAD": 1, "LDG.128": 1, "LDS": 1, "STG.64": 1}


def test_the_kernel_that_is_asked_for_is_shown(nvrtc: Nvrtc, cuda_source: Path) -> None:
    shown = inspect_kernel(cuda_source, "plain", ["WEIGHTS=5"])
    assert (shown.compiler, shown.architecture) == (str(nvrtc), "sm_80")
    assert shown.options[-1] == "-DWEIGHTS=5"
    wanted = [f"sm_{each}" for each in (80, 90, 120) if each in nvrtc.capabilities]
    assert [(each.kernel, each.architecture) for each in shown.resources] == [("plain", each) for each in wanted]
    assert shown.ptx[0] == ".visible .entry plain("
    assert shown.ptx[-1] == "}"
    assert sum(".param .u64" in line for line in shown.ptx[:4]) == 2
    if shown.sass_reason:
        pytest.skip(shown.sass_reason)
    assert shown.opcodes["LDG"] == shown.opcodes["STG"] == 1
    assert not any("BAR" in line for line in shown.sass)
    assert any("BAR" in line for line in inspect_kernel(cuda_source, "stacked", ["WEIGHTS=5"]).sass)


def test_without_a_disassembler_the_remedy_is_named(
    nvrtc: Nvrtc, cuda_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_DISASSEMBLER", "nvdisasm-not-there")
    shown = inspect_kernel(cuda_source, "plain", [])
    assert (shown.sass, shown.opcodes) == ((), {})
    assert shown.sass_reason.startswith("there is no nvdisasm-not-there: pip install nvidia-cuda-nvdisasm")


def test_a_disassembler_that_fails_is_named(
    nvrtc: Nvrtc, cuda_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvdisasm"
    tool.write_text("#!/bin/sh\necho 'fatal   : Unknown chip'\nexit 255\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    shown = inspect_kernel(cuda_source, "plain", [])
    assert shown.sass_reason.startswith(f"{tool} cannot read what {nvrtc} made (fatal   : Unknown chip); install")


def test_for_a_device_that_nvrtc_does_not_know_there_is_ptx_alone(
    nvrtc: Nvrtc, cuda_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_capability_here", lambda: 999)
    shown = inspect_kernel(cuda_source, "plain", [])
    assert (shown.architecture, shown.sass) == (f"compute_{max(nvrtc.capabilities)}", ())
    assert shown.sass_reason.startswith(f"{nvrtc} does not know this device")
    assert [each.architecture for each in shown.resources][:2] == ["sm_80", "sm_90"]


def test_the_architecture_of_the_device_comes_first(
    nvrtc: Nvrtc, cuda_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_capability_here", lambda: 90)
    shown = inspect_kernel(cuda_source, "plain", [])
    assert shown.architecture == "sm_90"
    assert [each.architecture for each in shown.resources][:2] == ["sm_90", "sm_80"]


def test_without_nvrtc_the_remedy_is_named(cuda_source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "find_nvrtc", lambda: None)
    with pytest.raises(BuildError, match="no NVRTC"):
        inspect_kernel(cuda_source, "plain", [])
