"""What kernels in other languages are told of a case: its sizes, in one order for all of them."""

from __future__ import annotations

from impls.case import ConvCase

__all__ = ["SIZES", "sizes_of"]

# The fields that structures in C, CUDA and OpenCL have for them; OpenCL's begins with the groups.
SIZES = (
    *("batch", "groups", "group_inputs", "group_outputs", "height", "width"),
    *("output_height", "output_width", "kernel_height", "kernel_width", "stride_height", "stride_width"),
    *("padding_height", "padding_width", "dilation_height", "dilation_width"),
)


def sizes_of(case: ConvCase) -> tuple[int, ...]:
    """Give the sizes of a case, in elements, in the order of `SIZES`."""
    return (
        *(case.batch, case.groups, case.in_channels // case.groups, case.out_channels // case.groups),
        *(case.height, case.width, case.output_height, case.output_width),
        *(case.kernel_height, case.kernel_width, case.stride_height, case.stride_width),
        *(case.padding_height, case.padding_width, case.dilation_height, case.dilation_width),
    )
