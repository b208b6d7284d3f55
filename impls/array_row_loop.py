"""A Python loop over the output's rows, each computed by shifted adds: a pixel loop with its inner half vectorised."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from impls.array_padding import padded_image
from impls.case import ConvCase
from impls.contract import Call, Implementation
from impls.output import output_buffer
from impls.padding import PADDED_BEFOREHAND
from impls.taps import weighted_taps

__all__ = ["ROW_LOOP"]


def _prepare_row_loop(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Split the kernel into taps and input channels; the call adds one scaled, shifted row for each, row by row."""
    inputs = case.in_channels // case.groups
    parts = [
        (channel, rows.start, columns, factor[..., 0].copy())
        for channel, rows, columns, factor in weighted_taps(case, weight)
    ]
    offsets = None if bias is None else bias.reshape(1, case.groups, -1, 1, 1)
    grouped_shape = case.grouped_output_shape
    result = np.empty(grouped_shape, case.dtype) if reuse else None

    def call() -> Any:
        padded = padded_image(case, image)
        by_group = padded.reshape(case.batch, case.groups, inputs, *padded.shape[2:])
        output = np.empty_like(padded, shape=grouped_shape) if result is None else result
        product = np.empty_like(padded, shape=(*grouped_shape[:3], case.output_width))
        (first, down, columns, factor), *others = parts
        for row in range(case.output_height):
            top, total = row * case.stride_height, output[:, :, :, row]
            np.multiply(by_group[:, :, first, np.newaxis, top + down, columns], factor, out=total)
            for channel, below, places, scale in others:
                np.multiply(by_group[:, :, channel, np.newaxis, top + below, places], scale, out=product)
                np.add(total, product, out=total)
        if offsets is not None:
            np.add(output, offsets, out=output)
        return output.reshape(case.output_shape)

    return call


ROW_LOOP = Implementation(
    name="numpy.row_loop",
    family="manual",
    arrays="numpy",
    summary="NumPy: a Python loop over output rows, each row one scaled, shifted add for each tap and input channel",
    prepare=_prepare_row_loop,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare_row_loop, reuse=True))),
    primary=False,
)
