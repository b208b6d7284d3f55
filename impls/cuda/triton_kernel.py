"""The convolution in Triton: one tile of one output plane a program, tap by tap from global memory.

Importing this imports Triton, whose decorator decides then whether kernels are compiled or, under TRITON_INTERPRET=1,
interpreted on the CPU.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["convolution"]


@triton.jit  # type: ignore[untyped-decorator]
def convolution(  # type: ignore[no-untyped-def]  # noqa: PLR0913, PLR0917 - Triton takes sizes one by one, untyped
    image,
    weight,
    bias,
    output,
    height,
    width,
    output_height,
    output_width,
    groups,
    inputs,
    outputs,
    stride_height,
    stride_width,
    padding_height,
    padding_width,
    dilation_height,
    dilation_width,
    kernel_height: tl.constexpr,
    kernel_width: tl.constexpr,
    has_bias: tl.constexpr,
    tile_height: tl.constexpr,
    tile_width: tl.constexpr,
) -> None:
    """Compute one tile; `inputs` and `outputs` are channels of one group, all tensors are contiguous."""
    across = tl.cdiv(output_width, tile_width)
    down = tl.cdiv(output_height, tile_height)
    program = tl.program_id(0)
    tile = program % (across * down)
    plane = program // (across * down)  # image of the batch, group and output channel in one number
    group = plane // outputs % groups
    channel_out = plane % (groups * outputs)
    rows = tile // across * tile_height + tl.arange(0, tile_height)
    columns = tile % across * tile_width + tl.arange(0, tile_width)
    # Planes may lie beyond what 32 bits can address; offsets within one do not.
    first_plane = (plane // (groups * outputs) * groups + group).to(tl.int64) * inputs
    weights = weight + channel_out.to(tl.int64) * inputs * kernel_height * kernel_width
    total = tl.zeros((tile_height, tile_width), dtype=output.dtype.element_ty)
    for channel in range(inputs):
        pixels = image + (first_plane + channel) * height * width
        taps = weights + channel * kernel_height * kernel_width
        for row in range(kernel_height):
            y = rows * stride_height - padding_height + row * dilation_height
            inside_rows = (y >= 0) & (y < height)
            for column in tl.static_range(kernel_width):
                x = columns * stride_width - padding_width + column * dilation_width
                inside = inside_rows[:, None] & ((x >= 0) & (x < width))[None, :]
                value = tl.load(pixels + (y * width)[:, None] + x[None, :], mask=inside, other=0.0)
                total += value * tl.load(taps + row * kernel_width + column)
    if has_bias:
        total += tl.load(bias + channel_out)
    there = (rows < output_height)[:, None] & (columns < output_width)[None, :]
    results = output + plane.to(tl.int64) * output_height * output_width
    tl.store(results + (rows * output_width)[:, None] + columns[None, :], total, mask=there)
