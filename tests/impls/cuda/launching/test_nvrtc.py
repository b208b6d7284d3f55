"""Compiling with NVRTC, keeping what it made, and what is said when it cannot."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from impls.compiled.compiler import cache_folder
from impls.cuda import nvrtc as nvrtc_module
from impls.cuda.nvrtc import architecture_for, compile_source
from impls.cuda.nvrtc_library import Nvrtc
from impls.errors import BuildError

KNOWN = Nvrtc(None, "", (13, 0), (75, 80, 86, 90, 120))


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("capability", "architecture"),
    [
        (80, "sm_80"),
        (120, "sm_120"),
        (121, "compute_120"),  # newer than this NVRTC: the driver compiles the PTX
        (87, "compute_86"),
        (89, "compute_86"),
    ],
)
def test_a_device_it_knows_gets_machine_code_and_a_newer_one_ptx(capability: int, architecture: str) -> None:
    assert architecture_for(capability, KNOWN) == architecture


def test_a_device_too_old_for_it_is_told_so() -> None:
    with pytest.raises(BuildError, match=r"^NVRTC 13\.0 compiles for .* 7\.5 and later, and the device has 7\.0; inst"):
        architecture_for(70, KNOWN)


def test_machine_code_is_made_for_a_known_architecture(nvrtc: Nvrtc, cuda_source: Path) -> None:
    made = compile_source(cuda_source, "sm_80", ["-DWEIGHTS=7"])
    assert (made.source, made.architecture, made.compiler) == ("answer.cu", "sm_80", str(nvrtc))
    assert made.options == ("--gpu-architecture=sm_80", "--ptxas-options=-v", "-DWEIGHTS=7")
    assert made.image == made.cubin
    assert made.image.startswith(b"\x7fELF")
    assert ".target sm_80" in made.ptx
    assert ".const .align 4 .b8 weights[28]" in made.ptx
    assert "Compiling entry function 'stacked'" in made.log


def test_for_a_newer_device_it_is_ptx_that_ends_in_a_zero(nvrtc: Nvrtc, cuda_source: Path) -> None:
    made = compile_source(cuda_source, "compute_80")
    assert made.cubin == b""
    assert made.image == made.ptx.encode() + b"\0"
    assert ".target sm_80" in made.ptx


def test_it_is_compiled_once_and_found_again(nvrtc: Nvrtc, cuda_source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compile_source(cuda_source, "sm_80")
    (kept,) = cache_folder().iterdir()
    monkeypatch.setattr(nvrtc_module, "_compile", None)
    assert compile_source(cuda_source, "sm_80") == first
    assert list(cache_folder().iterdir()) == [kept]


def test_options_architecture_source_and_version_each_make_another(nvrtc: Nvrtc, cuda_source: Path) -> None:
    compile_source(cuda_source, "sm_80")
    compile_source(cuda_source, "sm_90")
    compile_source(cuda_source, "sm_80", ["-DWEIGHTS=8"])
    cuda_source.write_text(cuda_source.read_text() + "// changed\n")
    compile_source(cuda_source, "sm_80")
    assert len(list(cache_folder().iterdir())) == 4
    older = Nvrtc(nvrtc.library, nvrtc.path, (11, 8), nvrtc.capabilities)
    text = cuda_source.read_text()
    assert nvrtc_module._key(text, "sm_80", [], older) != nvrtc_module._key(text, "sm_80", [], nvrtc)


@pytest.mark.parametrize("damage", [b"", b'{"source": "answer.cu"', b'{"source": 1}'])
def test_what_is_kept_but_not_whole_is_made_again(nvrtc: Nvrtc, cuda_source: Path, damage: bytes) -> None:
    first = compile_source(cuda_source, "sm_80")
    (kept,) = cache_folder().iterdir()
    kept.write_bytes(damage)
    again = compile_source(cuda_source, "sm_80")
    assert (again.cubin, again.ptx, again.options) == (first.cubin, first.ptx, first.options)
    assert nvrtc_module._read(kept) == again


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(
    nvrtc: Nvrtc, cuda_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvrtc_module, "cache_folder", lambda: tmp_path / "not there")
    assert compile_source(cuda_source, "sm_80").cubin


def test_an_error_in_the_source_is_one_line_and_the_log_a_note(nvrtc: Nvrtc, cuda_source: Path) -> None:
    cuda_source.write_text("__global__ void f() { undeclared = 1; }\n__global__ void g() { other = 1; }\n")
    with pytest.raises(BuildError) as caught:
        compile_source(cuda_source, "sm_80", ["-DX=1"])
    assert str(caught.value) == (
        f"{nvrtc} cannot compile answer.cu with '--gpu-architecture=sm_80 --ptxas-options=-v -DX=1': "
        'answer.cu(1): error: identifier "undeclared" is undefined (NVRTC_ERROR_COMPILATION); '
        "correct the source or the options, or install another version of NVRTC"
    )
    (log,) = caught.value.__notes__
    assert 'identifier "other" is undefined' in log
    assert list(cache_folder().iterdir()) == []


def test_an_option_or_an_architecture_it_does_not_know_is_named(nvrtc: Nvrtc, cuda_source: Path) -> None:
    with pytest.raises(BuildError, match=r"--no-such-option.*\(NVRTC_ERROR_INVALID_OPTION\)"):
        compile_source(cuda_source, "sm_80", ["--no-such-option"])
    with pytest.raises(BuildError, match=r"sm_1\b.*\(NVRTC_ERROR_INVALID_OPTION\)"):
        compile_source(cuda_source, "sm_1")


def test_a_result_it_does_not_give_is_named(nvrtc: Nvrtc) -> None:
    with pytest.raises(BuildError, match=r"^NVRTC .* gives no PTX: NVRTC_ERROR_INVALID_PROGRAM; install another"):
        nvrtc_module._bytes(nvrtc, ctypes.c_void_p(), "PTX")


def test_without_nvrtc_the_remedy_is_named(cuda_source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc_module, "find_nvrtc", lambda: None)
    monkeypatch.setattr(nvrtc_module, "missing_nvrtc", lambda: "no NVRTC: get it")
    with pytest.raises(BuildError, match="no NVRTC: get it"):
        compile_source(cuda_source, "sm_80")
