"""Whether a CUDA device is there: every answer, with what is missing and the remedy, in one line."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
import torch

from impls.contract import AVAILABLE
from impls.cuda.device import cuda_device


def test_the_answer_is_torchs_own_here_and_gives_a_reason() -> None:
    answer = cuda_device()
    assert answer.available == (torch.version.cuda is not None and torch.cuda.is_available())
    assert answer.available or answer.reason.startswith(f"no CUDA device: torch {torch.__version__}")


@pytest.mark.parametrize(
    ("cuda", "hip", "devices", "reason"),
    [
        (None, None, 0, "torch 9.9 is not a CUDA build; install one (pytorch.org/get-started) and run on a"),
        (None, "6.2", 1, "torch 9.9 is a ROCm build, whose devices are not CUDA's; run on a machine with an NVIDIA"),
        ("13.0", None, 0, "torch 9.9 finds none; run on a machine with an NVIDIA GPU, or mend its driver"),
        ("13.0", None, 1, ""),
    ],
)
def test_what_is_missing_is_said(
    cuda: str | None, hip: str | None, devices: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "__version__", "9.9")
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    answer = cuda_device()
    assert answer == AVAILABLE if not reason else answer.reason.startswith(f"no CUDA device: {reason}")


def test_a_driver_that_fails_is_quoted_in_one_line_and_does_not_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> bool:
        warnings.warn("CUDA initialization: the driver\nis too old", UserWarning, stacklevel=2)
        return False

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", fails)
    assert "finds none (CUDA initialization: the driver is too old); run on" in cuda_device().reason


@pytest.mark.skipif(torch.version.cuda is not None, reason="a CUDA build has to be imported to ask the driver")
def test_a_build_without_cuda_is_told_without_importing_it() -> None:
    probe = "import sys; from impls.cuda.device import cuda_device; print(cuda_device().reason, 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    assert said == f"{cuda_device().reason} False\n"


def test_without_torch_that_is_the_answer() -> None:
    probe = (
        "import importlib.util, sys\n"
        "importlib.util.find_spec = lambda name: None\n"
        "from impls.cuda.device import cuda_device\n"
        "assert cuda_device().reason == 'torch is not installed: pip install torch'\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
