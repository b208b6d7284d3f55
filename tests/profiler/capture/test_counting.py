"""The counting pass on implementations whose counts are known by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from impls.case import ConvCase
from impls.catalog import find
from impls.contract import Implementation
from profiler.capture import counting
from profiler.capture.counting import count_calls, operators_in, prepared_twice
from profiler.counts import CallCounts

CASE = ConvCase.parse("ic1ih5iw7oc1kh3ph1")


def counted(implementation: Implementation, case: ConvCase = CASE, seconds_per_call: float = 0.0) -> list[CallCounts]:
    units = [prepared_twice(implementation, unit, seed=1) for unit in case.smallest]
    return count_calls(prepared_twice(implementation, case, seed=1), units, seconds_per_call)


def ops(counts: CallCounts) -> dict[str, int]:
    return {op.op: op.calls for op in counts.ops or ()}


def test_the_torch_loop_dispatches_eleven_operators_a_pixel() -> None:
    cases = (CASE, *CASE.smallest)
    for counts, pixels in zip(counted(find("article.torch_loop")), (case.outputs for case in cases), strict=True):
        # A pixel: two selects and two slices of the image, mul, sum; four selects of the output and copy_. For each
        # dimension whose whole extent a slice names (the 1x1 case: both), torch skips the slice.
        slices = 2 * pixels if pixels > 1 else 0
        assert ops(counts) == {
            "aten::constant_pad_nd": 1,
            "aten::zeros": 1,
            "aten::select": 6 * pixels,
            **({"aten::slice": slices} if slices else {}),
            "aten::mul": pixels,
            "aten::sum": pixels,
            "aten::copy_": pixels,
        }


def test_the_numpy_loop_s_operators_are_those_it_shows() -> None:
    case, *_ = counted(find("article.numpy_loop"))
    assert ops(case) == {
        "numpy.zeros": 1,
        "numpy.pad": 1,
        "numpy.ndarray.__getitem__": 35 + 1,  # a window a pixel, and the output as (N, O, H, W)
        "numpy.multiply": 35,
        "numpy.sum": 35,
        "numpy.ndarray.__setitem__": 35,
    }
    assert case.peak_bytes is not None
    # The padded image (7x9 float32) and the output are held at once.
    assert case.peak_bytes >= 4 * (63 + 35)


def test_the_library_s_call_is_one_operator_and_no_python() -> None:
    case, *_ = counted(find("torch.conv2d"))
    assert ops(case) == {"aten::convolution": 1}
    assert case.ops is not None
    assert case.ops[0].flops == CASE.flops
    assert (case.instructions, case.python_calls, case.c_calls, case.peak_bytes) == (0, 0, 0, None)


def test_counts_grow_linearly_with_the_pixels_of_a_loop() -> None:
    case, one, few = (counts.instructions or 0 for counts in counted(find("article.numpy_loop")))
    pixels, _, some = (problem.outputs for problem in (CASE, *CASE.smallest))
    assert one < few < case
    # A row's own instructions come on top of a pixel's, so that the forecast is a little off.
    assert case == pytest.approx(one + (few - one) * (pixels - 1) / (some - 1), rel=0.1)


def _looping(calls: int) -> Implementation:
    def prepare(_case: ConvCase, image: Any, _weight: Any, _bias: Any) -> Any:
        def call() -> Any:
            for _ in range(calls * image.shape[2] * image.shape[3]):
                torch.neg(image)
            return image

        return call

    return Implementation(name="mine:f", family="manual", arrays="torch", summary="", prepare=prepare)


def test_too_many_operators_are_not_counted_and_a_smaller_case_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_OPERATORS", 100)
    case, one, few = counted(_looping(calls=4))
    assert case.ops is None
    assert operators_in(case) is None
    assert (operators_in(one), operators_in(few)) == tuple(4 * small.outputs for small in CASE.smallest)
    assert "about 140 in a call" in case.reason
    assert "--case ic1ih" in case.reason
    assert case.instructions is not None


def test_a_hopeless_count_is_not_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def prepare(_case: ConvCase, image: Any, weight: Any, _bias: Any) -> Any:
        def call() -> Any:
            made.append(image.shape[2])
            for _ in range(image.shape[2] * image.shape[3]):
                torch.neg(weight)
            return image

        return call

    monkeypatch.setattr(counting, "MOST_OPERATORS", 500)
    monkeypatch.setattr(counting, "MOST_INSTRUCTIONS", 8000)
    implementation = Implementation(name="mine:f", family="manual", arrays="torch", summary="", prepare=prepare)
    case, *_ = counted(implementation, ConvCase.parse("ic1ih300oc1kh3ph1"))
    assert case.ops is None
    assert case.instructions is None
    assert made.count(300) == 1  # the call that warms up
    assert "about 90,000 in a call" in case.reason
    assert "instructions were not counted" in case.reason


def test_a_slow_call_is_not_repeated_for_python_s_sake() -> None:
    case, *_ = counted(find("numpy.shift_add"), seconds_per_call=9.0)
    assert case.ops
    assert (case.instructions, case.python_calls, case.c_calls, case.peak_bytes) == (None, None, None, None)
    assert "9.0 s" in case.reason


def test_counting_leaves_results_alone() -> None:
    prepared = prepared_twice(find("numpy.sliding_window"), CASE, seed=3)
    count_calls(prepared, [], 0.0)
    assert np.array_equal(np.asarray(prepared.seen.call()), prepared.plain.call())
