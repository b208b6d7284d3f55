"""A direct convolution in Triton: one program computes one tile of an output plane, tap by tap.

The tile and the number of warps are chosen by what the compiler makes of them, without a GPU: `scripts/bench triton`
compiles every shape for sm_80, sm_90 and sm_120 and prints registers and stack. Of the shapes that give a thread four
outputs or more, so that a tap's weight is loaded once for several, and that need no stack for 3x3 and 11x11 kernels on
any of the three, this one needs the fewest registers. From 8 outputs a thread on some shapes spill, with 32 all of
them. How fast it is on a GPU is not known from that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.cuda.device import cuda_device
from impls.output import output_buffer
from impls.padding import PADDED_BEFOREHAND

__all__ = ["DIRECT", "TILE", "Tile", "constants", "sizes"]


@dataclass(frozen=True)
class Tile:
    """Hold the outputs that one program computes, in rows and columns, and its warps of 32 threads."""

    height: int
    width: int
    warps: int


TILE = Tile(height=4, width=64, warps=2)
_LARGEST = 2**31 - 1  # the kernel counts in 32 bits within a plane, and CUDA programs in a grid
_MOST_COLUMNS = 15  # the loop over a kernel's columns is unrolled: at 31 the compiler spills


def sizes(case: ConvCase) -> dict[str, int]:
    """Give the kernel's sizes by parameter; channels are those of one group."""
    return {
        "height": case.height,
        "width": case.width,
        "output_height": case.output_height,
        "output_width": case.output_width,
        "groups": case.groups,
        "inputs": case.in_channels // case.groups,
        "outputs": case.out_channels // case.groups,
        "stride_height": case.stride_height,
        "stride_width": case.stride_width,
        "padding_height": case.padding_height,
        "padding_width": case.padding_width,
        "dilation_height": case.dilation_height,
        "dilation_width": case.dilation_width,
    }


def constants(case: ConvCase, tile: Tile = TILE) -> dict[str, int | bool]:
    """Give what the kernel is compiled for, by parameter."""
    return {
        "kernel_height": case.kernel_height,
        "kernel_width": case.kernel_width,
        "has_bias": case.bias,
        "tile_height": tile.height,
        "tile_width": tile.width,
    }


def _programs(case: ConvCase) -> int:
    tiles = -(-case.output_height // TILE.height) * -(-case.output_width // TILE.width)
    return case.batch * case.out_channels * tiles


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Compile the kernel for the case by calling once."""
    from impls.cuda.triton_kernel import convolution

    image, weight = image.contiguous(), weight.contiguous()
    kernel = convolution[(_programs(case),)]
    # Products are fused into sums as in other kernels; Triton's default for it is going to change.
    options: dict[str, Any] = {**sizes(case), **constants(case), "num_warps": TILE.warps, "enable_fp_fusion": True}
    buffer = image.new_empty(case.output_shape) if reuse else None

    def call() -> Any:
        output = image.new_empty(case.output_shape) if buffer is None else buffer
        kernel(image, weight, bias, output, **options)
        return output

    call()
    return call


def _available(case: ConvCase) -> Availability:
    limits = _limits(case)
    if not limits.available:
        return limits
    if find_spec("triton") is None:
        return Availability.no("Triton is not installed: pip install 'convprof[triton]' (it is there for Linux only)")
    return cuda_device()


def _limits(case: ConvCase) -> Availability:
    if case.kernel_width > _MOST_COLUMNS:
        return Availability.no(
            f"the kernel's {case.kernel_width} columns would be unrolled, and beyond {_MOST_COLUMNS} that takes more "
            "registers than there are; choose torch.conv2d"
        )
    padded = (case.height + 2 * case.padding_height) * (case.width + 2 * case.padding_width)
    largest = max(padded, case.output_height * case.output_width, _programs(case))
    if largest > _LARGEST:
        return Availability.no(f"Triton's kernel counts to {_LARGEST}, and the case has {largest} pixels or programs")
    return AVAILABLE


DIRECT = Implementation(
    name="triton.direct",
    family="manual",
    arrays="torch",
    summary=f"a Triton kernel, tap by tap, of {TILE.height}x{TILE.width} outputs a program",
    prepare=_prepare,
    available=_available,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare, reuse=True))),
    devices=("cuda",),
)
