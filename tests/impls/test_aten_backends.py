"""Torch's backends called directly: what each declines and why, and what must be set up before."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from impls.aten import backend_of
from impls.case import ConvCase
from impls.catalog import find
from impls.data import as_given, make_data


@pytest.mark.parametrize(
    ("name", "case", "reason"),
    [
        ("torch.mkldnn", "ic1ih8oc1kh3ph1_f64", "oneDNN convolves no float64 on the CPU; choose torch.conv2d for it"),
        (
            "torch.slow_conv2d",
            "ic1ih8oc1kh3ph2dh1",
            "thnn_conv2d knows no dilation, and the case's is 2x2; choose torch.conv2d for it",
        ),
        (
            "torch.slow_conv2d",
            "g2ic2ih8oc2kh3ph1",
            "thnn_conv2d knows no groups, and the case has 2; choose torch.conv2d for it",
        ),
        ("torch.nnpack", "ic1ih8oc1kh3ph1_f64", "NNPACK has no float64; choose torch.conv2d for it"),
        ("torch.nnpack", "ic1ih32oc1kh17", "NNPACK's kernels have at most 16 taps a side, not 17"),
        ("torch.nnpack", "ic1ih8oc1kh1ph1", "NNPACK takes padding smaller than the kernel only"),
        ("torch.nnpack", "g3ic3ih8oc3kh3ph1", "NNPACK knows no groups, and the case has 3"),
    ],
)
def test_a_backend_declines_what_it_does_not_know(name: str, case: str, reason: str) -> None:
    answer = find(name).available(ConvCase.parse(case))
    assert not answer.available
    assert answer.reason.startswith(reason)


_FIRST_CALL = """
import torch
from impls.case import ConvCase
from impls.catalog import find
case = ConvCase.parse("ic1ih9oc1kh3ph1")
call = find("torch.nnpack").prepare(case, torch.ones(1, 1, 9, 9), torch.ones(1, 1, 3, 3), None)
assert abs(call()[0, 0, 4, 4].item() - 9) < 1e-3
"""


def test_nnpack_works_in_a_process_that_has_not_used_it() -> None:
    answer = find("torch.nnpack").available(ConvCase.parse("ic1ih9oc1kh3ph1"))
    if not answer.available:
        pytest.skip(answer.reason)
    subprocess.run([sys.executable, "-c", _FIRST_CALL], check=True)


LARGE = ConvCase.parse("ic1ih200oc1kh3ph1")


@pytest.mark.skipif(backend_of(LARGE) != "Mkldnn", reason="torch does not choose oneDNN for this case here")
def test_onednn_is_off_in_the_call_and_on_again_after_it() -> None:
    given = as_given(find("torch.conv2d[no onednn]"), make_data(LARGE, seed=1))
    operators: dict[str, set[str]] = {}
    for name in ("torch.conv2d", "torch.conv2d[no onednn]"):
        call = find(name).prepare(LARGE, *given)
        with torch.inference_mode(), torch.profiler.profile() as profile:
            call()
        operators[name] = {event.key for event in profile.key_averages()}
    assert "aten::mkldnn_convolution" in operators["torch.conv2d"]
    assert "aten::mkldnn_convolution" not in operators["torch.conv2d[no onednn]"]
    assert torch.backends.mkldnn.enabled


def test_onednn_is_on_again_after_an_error() -> None:
    case = ConvCase.parse("ic1ih9oc1kh3ph1")
    call = find("torch.conv2d[no onednn]").prepare(case, torch.ones(1, 2, 9, 9), torch.ones(1, 1, 3, 3), None)
    with pytest.raises(RuntimeError, match="channels"):
        call()
    assert torch.backends.mkldnn.enabled


def test_where_torch_would_take_nnpack_instead_of_onednn_that_is_named() -> None:
    if not torch._nnpack_available():
        pytest.skip("this torch has no NNPACK for this processor")
    answer = find("torch.conv2d[no onednn]").available(ConvCase.parse("mb16ic1ih16oc1kh3ph1"))
    assert answer.reason == "without oneDNN torch chooses NNPACK for this case; choose torch.nnpack"
    assert torch.backends.mkldnn.enabled


def test_channels_last_is_what_the_operator_is_given() -> None:
    case = ConvCase.parse("mb2ic3ih9oc4kh3ph1")
    implementation = find("torch.conv2d[channels_last]")
    output = implementation.prepare(case, *as_given(implementation, make_data(case, seed=1)))()
    assert output.is_contiguous(memory_format=torch.channels_last)
