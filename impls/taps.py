"""Where each kernel tap meets the padded image: what every implementation that works tap by tap shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from impls.case import ConvCase

__all__ = ["taps", "weighted_taps"]


def taps(case: ConvCase) -> Iterator[tuple[int, int, slice, slice]]:
    """Give each tap's row and column in the kernel, and the rows and columns of the padded image under it."""
    for row in range(case.kernel_height):
        for column in range(case.kernel_width):
            top, left = row * case.dilation_height, column * case.dilation_width
            bottom = top + (case.output_height - 1) * case.stride_height + 1
            right = left + (case.output_width - 1) * case.stride_width + 1
            yield row, column, slice(top, bottom, case.stride_height), slice(left, right, case.stride_width)


def weighted_taps(case: ConvCase, weight: Any) -> Iterator[tuple[int, slice, slice, Any]]:
    """Split a kernel, array or tensor: give for each input channel of a group and each tap what lies where.

    That is the channel, the rows and columns of the padded image under the tap, and the weights there, a view of shape
    (1, groups, O/groups, 1, 1), which scales (N, groups, 1, H', W').
    """
    inputs = case.in_channels // case.groups
    grouped = weight.reshape(1, case.groups, -1, inputs, case.kernel_height, case.kernel_width, 1, 1)
    for channel in range(inputs):
        for row, column, rows, columns in taps(case):
            yield channel, rows, columns, grouped[:, :, :, channel, row, column]
