"""Where each kernel tap meets the padded image: what every implementation that works tap by tap shares."""

from __future__ import annotations

from collections.abc import Iterator

from impls.case import ConvCase

__all__ = ["taps"]


def taps(case: ConvCase) -> Iterator[tuple[int, int, slice, slice]]:
    """Give each tap's row and column in the kernel, and the rows and columns of the padded image under it."""
    for row in range(case.kernel_height):
        for column in range(case.kernel_width):
            top, left = row * case.dilation_height, column * case.dilation_width
            bottom = top + (case.output_height - 1) * case.stride_height + 1
            right = left + (case.output_width - 1) * case.stride_width + 1
            yield row, column, slice(top, bottom, case.stride_height), slice(left, right, case.stride_width)
