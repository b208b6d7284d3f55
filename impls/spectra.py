"""What convolutions by FFT share: the transform's size, and the kernel laid out so that no padding is left to do.

output[i] = sum over t of padded[i + t] kernel[t] is a circular cross-correlation with a period of the padded image: the
image's spectrum times the conjugate of the kernel's. A kernel moved up and left by the padding takes the padding's
part, since what lies beyond the image is zero in the transform anyway.
"""

from __future__ import annotations

from typing import Any

from impls.case import ConvCase

__all__ = ["computed_outputs", "lay_out_kernel", "transform_shape"]

_FAST_FACTORS = (2, 3, 5)


def transform_shape(case: ConvCase) -> tuple[int, int]:
    """Give rows and columns of the transform: the padded image's, enlarged to lengths that an FFT is quick with."""
    return (
        _fast_length(case.height + 2 * case.padding_height),
        _fast_length(case.width + 2 * case.padding_width),
    )


def lay_out_kernel(case: ConvCase, weight: Any, zeros: Any) -> Any:
    """Write the taps of a weight (O, C/groups, kH, kW) into zeros (O, C/groups, rows, columns) of the transform."""
    rows, columns = transform_shape(case)
    for row in range(case.kernel_height):
        for column in range(case.kernel_width):
            down = (row * case.dilation_height - case.padding_height) % rows
            right = (column * case.dilation_width - case.padding_width) % columns
            zeros[:, :, down, right] = weight[:, :, row, column]
    return zeros


def computed_outputs(case: ConvCase) -> tuple[slice, slice]:
    """Give the rows and columns of the inverse transform that are outputs of the case; strides skip the others."""
    return (
        slice(0, (case.output_height - 1) * case.stride_height + 1, case.stride_height),
        slice(0, (case.output_width - 1) * case.stride_width + 1, case.stride_width),
    )


def _fast_length(least: int) -> int:
    """Give the smallest length of at least this that has no prime factor beyond 5."""
    length = least
    while not _is_fast(length):
        length += 1
    return length


def _is_fast(length: int) -> bool:
    for factor in _FAST_FACTORS:
        while length % factor == 0:
            length //= factor
    return length == 1
