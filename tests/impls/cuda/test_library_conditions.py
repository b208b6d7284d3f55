"""Torch's settings around calls: set while the operator runs, and put back, also after an error.

A torch without CUDA has the settings too, so that this needs no GPU; what they do on one is not seen here.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.backends import cudnn
from torch.utils._python_dispatch import TorchDispatchMode

from impls.case import ConvCase
from impls.catalog import find
from impls.cuda.settings import CUDNN_BENCHMARK, Setting, tf32
from impls.data import as_given, make_data
from impls.reference import check

CASE = ConvCase.parse("ic1ih9oc1kh3ph1")


def _settings() -> dict[str, Any]:
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    precision = {"fp32_precision": cudnn.conv.fp32_precision} if hasattr(cudnn, "conv") else {}
    return {name: getattr(cudnn, name) for name in names if name != "allow_tf32" or not precision} | precision


class _Seen(TorchDispatchMode):
    """Read the settings while an operator runs."""

    def __init__(self) -> None:
        super().__init__()
        self.settings: list[dict[str, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.settings.append(_settings())
        return func(*args, **(kwargs or {}))


PRECISION = "fp32_precision" if hasattr(cudnn, "conv") else "allow_tf32"
CHANGED = {
    "torch.conv2d[cudnn benchmark]": {"benchmark": True},
    "torch.conv2d[cudnn deterministic]": {"deterministic": True},
    "torch.conv2d[tf32]": {},  # torch's own default
    "torch.conv2d[no tf32]": {PRECISION: "ieee" if PRECISION == "fp32_precision" else False},
    "torch.conv2d[no cudnn]": {"enabled": False},
}


@pytest.mark.parametrize(("name", "changed"), CHANGED.items())
def test_a_setting_holds_in_the_call_and_is_as_before_after_it(name: str, changed: dict[str, Any]) -> None:
    data, before = make_data(CASE, seed=1), _settings()
    call = find(name).prepare(CASE, *as_given(find("torch.conv2d"), data))
    assert _settings() == before
    for _ in range(2):
        with _Seen() as seen:
            output = call()
        assert seen.settings
        assert all(settings == before | changed for settings in seen.settings)
        assert _settings() == before
    assert check(CASE, output, data.image, data.weight).correct


@pytest.mark.parametrize("name", CHANGED)
def test_a_setting_is_as_before_after_an_error(name: str) -> None:
    before = _settings()
    call = find(name).prepare(CASE, torch.ones(1, 2, 9, 9), torch.ones(1, 1, 3, 3), None)
    with pytest.raises(RuntimeError, match="channels"):
        call()
    assert _settings() == before


def test_tf32_is_allowed_where_a_user_has_forbidden_it() -> None:
    with tf32(allowed=False):
        forbidden = _settings()
        call = find("torch.conv2d[tf32]").prepare(CASE, torch.ones(1, 1, 9, 9), torch.ones(1, 1, 3, 3), None)
        with _Seen() as seen:
            call()
        assert seen.settings[0][PRECISION] in ("tf32", True)
        assert _settings() == forbidden


def test_the_switch_lets_cudnn_try_its_algorithms_outside_what_is_timed() -> None:
    assert CUDNN_BENCHMARK in find("torch.conv2d").switches
    assert CUDNN_BENCHMARK.context is not None
    with CUDNN_BENCHMARK.context():
        assert cudnn.benchmark
    assert not cudnn.benchmark


def test_a_setting_can_be_entered_again() -> None:
    setting = Setting(cudnn, "deterministic", value=True)
    for _ in range(2):
        with setting:
            assert cudnn.deterministic
        assert not cudnn.deterministic


def test_without_a_gpu_each_says_so() -> None:
    if torch.version.cuda is not None:
        pytest.skip("this torch is a CUDA build")
    for name in CHANGED:
        assert find(name).available(CASE).reason.startswith("no CUDA device: ")
        assert find(name).devices == ("cuda",)
