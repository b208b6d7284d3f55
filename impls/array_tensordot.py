"""A sliding window contracted by tensordot: NumPy copies the windows into a matrix and hands it to BLAS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from impls.array_padding import padded_image
from impls.case import ConvCase
from impls.contract import Call, Implementation
from impls.padding import PADDED_BEFOREHAND

__all__ = ["TENSORDOT"]


def _prepare_tensordot(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Split image channels and kernels by group; the call contracts each group's windows with its kernels."""
    outputs, inputs = case.out_channels // case.groups, case.in_channels // case.groups
    places = [
        (slice(group * inputs, (group + 1) * inputs), slice(group * outputs, (group + 1) * outputs))
        for group in range(case.groups)
    ]
    offsets = None if bias is None else bias.reshape(-1, 1, 1)

    def call() -> Any:
        padded = padded_image(case, image)
        windows = sliding_window_view(padded, case.reach, axis=(2, 3), subok=True)
        strided = windows[
            :, :, :: case.stride_height, :: case.stride_width, :: case.dilation_height, :: case.dilation_width
        ]
        output = np.empty_like(padded, shape=case.output_shape)
        for sources, targets in places:
            product = np.tensordot(strided[:, sources], weight[targets], axes=((1, 4, 5), (1, 2, 3)))
            np.copyto(output[:, targets], np.moveaxis(product, -1, 1))
        if offsets is not None:
            np.add(output, offsets, out=output)
        return output

    return call


TENSORDOT = Implementation(
    name="numpy.tensordot",
    family="manual",
    arrays="numpy",
    summary="NumPy: sliding_window_view, then tensordot, which copies the windows for a matrix product (BLAS)",
    prepare=_prepare_tensordot,
    switches=(PADDED_BEFOREHAND,),
    primary=False,
)
