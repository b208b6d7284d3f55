"""Finding NVRTC in the layouts of several years, and loading it with what it needs."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

from impls.cuda import nvrtc_library
from impls.cuda.nvrtc_library import Nvrtc, candidates, find_nvrtc, load_first, missing_nvrtc

# As NVIDIA's wheels of CUDA 13.0, 12.9 and 11.8 for Linux have it, and those of 12 for Windows.
CUDA_13 = ("nvidia/cu13/lib/libnvrtc.so.13", "nvidia/cu13/lib/libnvrtc-builtins.so.13.0")
CUDA_13_VARIANT = ("nvidia/cu13/lib/libnvrtc.alt.so.13", "nvidia/cu13/lib/libnvrtc-builtins.alt.so.13.0")
CUDA_12 = ("nvidia/cuda_nvrtc/lib/libnvrtc.so.12", "nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9")
CUDA_11 = ("nvidia/cuda_nvrtc/lib/libnvrtc.so.11.2", "nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.11.8")
WINDOWS = ("nvidia/cuda_nvrtc/bin/nvrtc64_120_0.dll", "nvidia/cuda_nvrtc/bin/nvrtc-builtins64_129.dll")
# As a wheel of torch's has it that holds CUDA's libraries itself.
IN_TORCH = ("torch/lib/libnvrtc-672ee683.so.11.2", "torch/lib/libnvrtc-builtins.so.11.8")
TOOLKIT = ("toolkit/lib64/libnvrtc.so.12", "toolkit/lib64/libnvrtc.so", "toolkit/lib64/libnvrtc_static.a")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let nothing be installed or loaded but what a test puts into this folder."""
    monkeypatch.setattr(nvrtc_library, "_package_folders", lambda package: [tmp_path / package])
    monkeypatch.setattr(nvrtc_library, "_loaded", lambda: iter(()))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    without_cuda = types.SimpleNamespace(version=types.SimpleNamespace(cuda=None))
    monkeypatch.setitem(sys.modules, "torch", without_cuda)
    monkeypatch.setenv("CUDA_PATH", "")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "toolkit"))
    return tmp_path


def _put(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")


def _found(folder: Path) -> list[str]:
    return [str(Path(each).relative_to(folder)) for each in candidates() if each.startswith(str(folder))]


@pytest.mark.parametrize("files", [CUDA_13, CUDA_12, CUDA_11, WINDOWS, IN_TORCH, TOOLKIT])
def test_the_library_is_found_and_nothing_else_of_its_folder(packages: Path, files: tuple[str, ...]) -> None:
    _put(packages, *files, *CUDA_13_VARIANT)
    assert _found(packages) == [files[0]]


def test_the_newest_comes_first_and_the_loader_is_asked_last(packages: Path) -> None:
    _put(packages, *CUDA_11, *CUDA_12, *CUDA_13)
    assert _found(packages) == [CUDA_13[0], CUDA_12[0], CUDA_11[0]]
    assert candidates()[3:5] == ["libnvrtc.so.13", "libnvrtc.so.12"]


def test_that_of_the_cuda_that_torch_is_built_for_is_preferred(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _put(packages, *CUDA_11, *CUDA_12, *CUDA_13)
    monkeypatch.setattr(sys.modules["torch"].version, "cuda", "12.8")
    assert _found(packages) == [CUDA_12[0], CUDA_13[0], CUDA_11[0]]


def test_a_file_that_cannot_be_loaded_is_passed_over_and_named_when_it_is_the_only_one(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(packages, *CUDA_13)
    monkeypatch.setattr(nvrtc_library, "_SONAMES", ("libnvrtc.so.not.there",))
    assert load_first(candidates()) == (None, f"{packages / CUDA_13[0]}: file too short")
    assert missing_nvrtc().startswith(f"no NVRTC ({packages / CUDA_13[0]}: file too short): pip install nvidia-cuda")


def test_a_library_without_its_functions_is_none(packages: Path) -> None:
    assert load_first(["libc.so.6"]) == (None, "")


def test_without_any_the_remedy_is_named(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc_library, "_SONAMES", ())
    assert missing_nvrtc() == "no NVRTC: pip install nvidia-cuda-nvrtc, or a CUDA build of torch, which brings it"


def test_one_that_is_installed_says_its_version_and_what_it_compiles_for(nvrtc: Nvrtc) -> None:
    assert str(nvrtc) == f"NVRTC {nvrtc.version[0]}.{nvrtc.version[1]}"
    assert {80, 90} <= set(nvrtc.capabilities)
    assert list(nvrtc.capabilities) == sorted(nvrtc.capabilities)
    assert find_nvrtc() is nvrtc


def test_one_that_is_loaded_is_taken_before_those_installed(nvrtc: Nvrtc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc_library, "_installed", lambda: iter(["/elsewhere/libnvrtc.so.99"]))
    loaded, installed = candidates()[:2]
    assert Path(loaded).samefile(nvrtc.path)
    assert installed == "/elsewhere/libnvrtc.so.99"


def test_what_it_opens_by_name_alone_is_loaded_with_it(nvrtc: Nvrtc) -> None:
    """CUDA 13.0's wheel does not find its own builtins; that shows only when it compiles, so before anything is."""
    program = (
        "import pathlib, sys; from impls.cuda.nvrtc_library import load_first; load_first([sys.argv[1]]);"
        "sys.exit('libnvrtc-builtins' not in pathlib.Path('/proc/self/maps').read_text())"
    )
    if not any(Path(nvrtc.path).parent.glob("libnvrtc-builtins*")):
        pytest.skip(f"the builtins of {nvrtc.path} are not beside it")
    assert subprocess.run([sys.executable, "-c", program, nvrtc.path], check=False).returncode == 0
