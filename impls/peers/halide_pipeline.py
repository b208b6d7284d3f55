"""Halide: the convolution as an algorithm, a schedule that keeps sums in registers, compiled for the case."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.output import output_buffer
from impls.peers.extras import not_installed
from impls.peers.threads import environment_variable, thread_count

__all__ = ["CONV"]

# A tile of 4 rows of 2 vectors is 8 sums in registers; a kernel larger than 11x11 unrolled compiles for seconds.
_TILE_ROWS, _TILE_VECTORS = 4, 2
_MOST_UNROLLED = 121


def _available(_case: ConvCase) -> Availability:
    reason = not_installed("Halide", "halide", "halide")
    return Availability.no(reason) if reason else AVAILABLE


def _inputs(case: ConvCase) -> list[Any]:
    """Declare image, weight and bias (where there is one) of fixed sizes; Halide counts axes from the innermost."""
    import halide

    real = halide.Float(8 * case.item_bytes)
    shapes: dict[str, tuple[int, ...]] = {"image": case.image_shape, "weight": case.weight_shape}
    if case.bias:
        shapes["bias"] = (case.out_channels,)
    inputs = []
    for name, shape in shapes.items():
        declared = halide.ImageParam(real, len(shape), name)
        for axis, extent in enumerate(reversed(shape)):
            declared.dim(axis).set_bounds(0, extent)
        inputs.append(declared)
    return inputs


def _algorithm(case: ConvCase, inputs: list[Any]) -> tuple[Any, Any, Any, Any]:
    """Write down what is computed, each as it needs the one before: padded image, kernel's domain, sums, output."""
    import halide

    image, weight, *bias = inputs
    x, y, channel, sample = (halide.Var(name) for name in ("x", "y", "channel", "sample"))
    per_group = case.in_channels // case.groups
    padded = halide.BoundaryConditions.constant_exterior(image, 0)
    taps = halide.RDom([(0, case.kernel_width), (0, case.kernel_height), (0, per_group)], "taps")
    across = x * case.stride_width + taps.x * case.dilation_width - case.padding_width
    down = y * case.stride_height + taps.y * case.dilation_height - case.padding_height
    first = 0 if case.groups == 1 else channel // (case.out_channels // case.groups) * per_group
    sums, output = halide.Func("sums"), halide.Func("output")
    zero = halide.cast(halide.Float(8 * case.item_bytes), 0)
    sums[x, y, channel, sample] = bias[0][channel] if bias else zero
    sums[x, y, channel, sample] += (
        weight[taps.x, taps.y, taps.z, channel] * padded[across, down, first + taps.z, sample]
    )
    output[x, y, channel, sample] = sums[x, y, channel, sample]
    return padded, taps, sums, output


def _compiled(case: ConvCase, threads: int) -> Any:
    """Schedule the algorithm and compile it to a function of the inputs' and the output's buffers.

    A strip of rows is padded, then each of its tiles is summed in registers while the taps go by.
    """
    import halide

    inputs = _inputs(case)
    padded, taps, sums, output = _algorithm(case, inputs)
    x, y, channel, sample = output.args()
    tile, strip, column, row = (halide.Var(name) for name in ("tile", "strip", "column", "row"))
    lanes = halide.get_host_target().natural_vector_size(halide.Float(8 * case.item_bytes))
    guarded = halide.TailStrategy.GuardWithIf  # outputs need not fill the last tile
    output.tile(x, y, tile, strip, column, row, _TILE_VECTORS * lanes, _TILE_ROWS, guarded)
    output.vectorize(column, lanes).unroll(column).unroll(row)
    if threads > 1:
        output.parallel(strip)
    padded.compute_at(output, strip).vectorize(padded.args()[0], lanes)
    sums.compute_at(output, tile).vectorize(x, lanes).unroll(x).unroll(y)
    update = sums.update().reorder(x, y, taps.x, taps.y, taps.z, channel, sample)
    update.vectorize(x, lanes).unroll(x).unroll(y)
    if case.kernel_height * case.kernel_width <= _MOST_UNROLLED:
        update.unroll(taps.x).unroll(taps.y)
    for axis, extent in enumerate(reversed(case.output_shape)):
        output.output_buffer().dim(axis).set_bounds(0, extent)
    return output.compile_to_callable([halide.Argument(declared) for declared in inputs])


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Compile for the case, and run once: the threads start with the first parallel loop, as HL_NUM_THREADS says."""
    import halide

    threads = thread_count()
    compiled = _compiled(case, threads)
    given = [halide.Buffer(array) for array in (image, weight, bias) if array is not None]
    result: Any = np.empty(case.output_shape, case.dtype)
    wrapped = halide.Buffer(result)
    with environment_variable("HL_NUM_THREADS", str(threads)):
        compiled(*given, wrapped)

    def call() -> Any:
        output: Any = np.empty(case.output_shape, case.dtype)
        compiled(*given, halide.Buffer(output))
        return output

    def call_into_result() -> Any:
        compiled(*given, wrapped)
        return result

    return call_into_result if reuse else call


CONV = Implementation(
    name="halide.conv",
    family="library",
    arrays="numpy",
    summary="Halide: the sums of a tile kept in registers, compiled for the case",
    prepare=_prepare,
    available=_available,
    switches=(output_buffer(partial(_prepare, reuse=True)),),
    primary=False,
)
