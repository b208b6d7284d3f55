"""Lines about convolutions from hand-built rows of kernels."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from profiler.report.convolutions import convolution_lines


def _kernels(*rows: tuple[str | None, float, int, str, float, float]) -> pd.DataFrame:
    columns = ["operator", "device_s", "launches", "kind", "shared_bytes", "occupancy"]
    found: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    return pd.DataFrame(found)


def test_share_shared_memory_and_occupancy_are_of_what_convolutions_launched() -> None:
    kernels = _kernels(
        ("aten::cudnn_convolution", 6.0, 3, "compute", 4096, 0.25),
        ("aten::cudnn_convolution", 1.0, 2, "layout", 0, 1.0),
        ("ConvolutionBackward0", 2.0, 1, "compute", 0, 0.5),
        ("aten::add", 11.0, 5, "compute", 0, 0.75),
    )
    assert convolution_lines(kernels) == [
        "6 kernels, 45 % of the time of all, of `aten::cudnn_convolution`, `ConvolutionBackward0`",
        "11 % of that time only rearranges or fills memory",
        "75 % of the time of those that compute is in kernels that use shared memory",
        "their occupancy, as the recorder estimates it: 31 % by time, 25 % to 50 %",
    ]


def test_what_the_trace_does_not_tell_is_not_said() -> None:
    assert convolution_lines(_kernels((None, 1.0, 1, "compute", 0, 0.5), ("aten::mm", 1.0, 1, "compute", 0, 0.5))) == []
    unwritten = _kernels(("aten::conv2d", 1.0, 2, "compute", 0, 0.0))
    assert convolution_lines(unwritten) == ["2 kernels, 100 % of the time of all, of `aten::conv2d`"]
    unknown = _kernels(("aten::conv2d", 1.0, 1, "compute", math.nan, 0.0))
    assert convolution_lines(unknown) == ["1 kernel, 100 % of the time of all, of `aten::conv2d`"]


def test_of_many_operators_the_longest_are_named_and_the_rest_counted() -> None:
    kernels = _kernels(*((f"conv{i}", float(i), 1, "layout", 0, 0.0) for i in range(1, 7)))
    assert convolution_lines(kernels)[0] == (
        "6 kernels, 100 % of the time of all, of `conv6`, `conv5`, `conv4`, `conv3` and 2 more"
    )
