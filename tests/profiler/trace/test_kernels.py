"""Kernels alike are one row; traffic and operations are measured or modelled, and say which."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from profiler.trace.kernel_kinds import kernel_kind
from profiler.trace.kernels import Amount, kernel_groups
from profiler.trace.launch_join import Linked
from profiler.trace.operator_models import flops, input_bytes

MakeEvent = Callable[..., dict[str, Any]]
LinkTrace = Callable[..., Linked]


def test_kernels_alike_are_one_row_the_longest_first(link_trace: LinkTrace, kernel: MakeEvent) -> None:
    wide = {"grid": [8, 1, 1], "block": [64, 1, 1]}
    linked = link_trace([kernel(1.5, 2), kernel(4.5, 4), kernel(9.5, 9, args=wide), kernel(20.5, 1, stream=8)])
    found = [(each.launches, each.seconds, each.median_s, each.grid, each.stream) for each in kernel_groups(linked)]
    nowhere = (-1, -1, -1)
    assert found == [
        (1, pytest.approx(9e-6), pytest.approx(9e-6), (8, 1, 1), 7),
        (2, pytest.approx(6e-6), pytest.approx(3e-6), nowhere, 7),
        (1, pytest.approx(1e-6), pytest.approx(1e-6), nowhere, 8),
    ]


def test_an_operator_s_shapes_model_the_one_kernel_it_launched(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    shapes = {"Input Dims": [[8, 16], [16, 4]], "Input type": ["float", "float"]}
    linked = link_trace(
        [
            {"name": "aten::mm", "ts": 100.5, "dur": 10, "args": shapes},
            call("cudaLaunchKernel", 101.5, 1, 1),
            {"name": "aten::mm", "ts": 120.5, "dur": 10, "args": shapes},
            call("cudaLaunchKernel", 121.5, 1, 2),
            call("cudaLaunchKernel", 123.5, 1, 3),
            kernel(104.5, 2, 1, name="alone"),
            kernel(125.5, 2, 2, name="one of two"),
            kernel(128.5, 2, 3, name="one of two"),
        ]
    )
    groups = {each.kernel: each for each in kernel_groups(linked)}
    assert groups["alone"].bytes == Amount(4 * (8 * 16 + 16 * 4), "modelled")
    assert groups["alone"].flops == Amount(2 * 8 * 16 * 4, "modelled")
    assert groups["alone"].bytes_per_s == pytest.approx(768 / 2e-6)
    assert groups["alone"].operator == "aten::mm"
    assert groups["one of two"].bytes.basis == groups["one of two"].flops.basis == "unknown"


def test_counters_are_measured_and_come_before_a_model(link_trace: LinkTrace, kernel: MakeEvent) -> None:
    half = "smsp__sass_thread_inst_executed_op_"
    metrics = {
        "dram__bytes_read.sum": 100, "dram__bytes_write.sum": 28, f"{half}ffma_pred_on.sum": 10,
        f"{half}fadd_pred_on.sum": 1, "other.sum": 9,
    }  # fmt: skip
    counted = {"cat": "cuda_profiler_range", "pid": 0, "ts": 1, "dur": 99, "args": metrics}
    linked = link_trace([kernel(1.5, 2), {**counted, "name": "convolve"}, {**counted, "name": "counted alone"}])
    run, alone = kernel_groups(linked)
    assert (run.kernel, run.bytes, run.flops) == ("convolve", Amount(128, "measured"), Amount(21, "measured"))
    assert run.flops_per_s == pytest.approx(21 / 2e-6)
    assert (alone.kernel, alone.launches, alone.flops.value) == ("counted alone", 1, 21)
    assert math.isnan(alone.seconds)
    assert math.isnan(alone.flops_per_s)


@pytest.mark.parametrize(
    ("name", "shapes", "types", "strides", "expected"),
    [
        ("aten::add_", [[4, 3], [4, 3], []], ["float", "c10::Half", "Scalar"], None, 12 * 4 + 12 * 2),
        ("aten::add", [[4, 3], [4, 3]], ["float", "float"], [[3, 1], [0, 1]], 12 * 4 + 3 * 4),
        ("aten::embedding", [[1000, 64], [2]], ["float", "long int"], None, math.nan),  # reads two rows of a thousand
        ("aten::add", [[4], [4]], ["float", "an unknown type"], None, math.nan),
        ("aten::add", [[], []], ["", ""], None, math.nan),
        ("aten::add", None, None, None, math.nan),
    ],
)
def test_bytes_of_inputs(name: str, shapes: Any, types: Any, strides: Any, expected: float) -> None:
    assert input_bytes(name, shapes, types, strides) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "shapes", "values", "expected"),
    [
        ("aten::conv2d", [[1, 1, 100, 100], [1, 1, 3, 3], []], ["", "", "", "[1, 1]", "[1]", "[1, 1]", "1"], 180_000),
        ("aten::cudnn_convolution", [[2, 4, 9, 9], [8, 2, 3, 3]], ["", "", "[0, 0]", "[2, 2]", "[1, 1]", "2"],
         2 * 2 * 8 * 16 * 18),
        ("aten::convolution", [[1, 1, 8, 8], [1, 1, 3, 3], []],
         ["", "", "", "[1, 1]", "[0, 0]", "[1, 1]", "True", "[0, 0]", "1"], math.nan),
        ("aten::conv2d", [[1, 1, 8, 8], [1, 1, 3, 3], []], None, math.nan),
        ("aten::addmm", [[4], [8, 16], [16, 4]], None, 2 * 8 * 16 * 4),
        ("aten::bmm", [[3, 8, 16], [3, 16, 4]], None, 2 * 3 * 8 * 16 * 4),
        ("aten::mm", [[8, 16], [4, 4]], None, math.nan),
        ("aten::add", [[4], [4]], None, math.nan),
    ],
)  # fmt: skip
def test_operations_of_products_and_convolutions(name: str, shapes: Any, values: Any, expected: float) -> None:
    assert flops(name, shapes, values) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("void cudnn::ops::nchwToNhwcKernel<float, float>", "layout"),
        ("batched_transpose_32x32_half", "layout"),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>>", "layout"),
        ("void at::native::im2col_kernel<float>", "layout"),
        ("ncclKernel_AllReduce_RING_LL_Sum_float", "communication"),
        ("cudnn_volta_scudnn_winograd_128x128_ldg1_ldg4_relu", "compute"),
        ("convolution_direct", "compute"),
    ],
)
def test_kinds_of_kernels(name: str, kind: str) -> None:
    assert kernel_kind(name) == kind
