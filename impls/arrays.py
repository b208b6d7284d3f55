"""Convolutions from NumPy's operations: shifted adds, a sliding window, and im2col with BLAS.

Each works on what it is given with functions of NumPy's array protocols, so that a subclass of ndarray can watch it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from impls.array_padding import padded_image
from impls.case import ConvCase
from impls.contract import Call, Implementation
from impls.output import output_buffer
from impls.padding import PADDED_BEFOREHAND
from impls.taps import taps, weighted_taps

__all__ = ["IM2COL", "SHIFT_ADD", "SLIDING_WINDOW"]


def _prepare_shift_add(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Split the kernel into taps and input channels; the call adds one scaled, shifted image for each."""
    inputs = case.in_channels // case.groups
    parts = [(channel, rows, columns, factor.copy()) for channel, rows, columns, factor in weighted_taps(case, weight)]
    offsets = None if bias is None else bias.reshape(1, case.groups, -1, 1, 1)
    result = np.empty(case.grouped_output_shape, case.dtype) if reuse else None

    def call() -> Any:
        padded = padded_image(case, image)
        by_group = padded.reshape(case.batch, case.groups, inputs, *padded.shape[2:])
        (channel, rows, columns, factor), *others = parts
        output = np.multiply(by_group[:, :, channel, np.newaxis, rows, columns], factor, out=result)
        product = np.empty_like(output)  # one temporary for all taps: a fresh one each would be fresh pages each
        for channel, rows, columns, factor in others:
            np.multiply(by_group[:, :, channel, np.newaxis, rows, columns], factor, out=product)
            np.add(output, product, out=output)
        if offsets is not None:
            np.add(output, offsets, out=output)
        return output.reshape(case.output_shape)

    return call


def _prepare_sliding_window(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Group the kernel; the call views the image as one window an output and contracts windows with the kernel."""
    outputs, inputs = case.out_channels // case.groups, case.in_channels // case.groups
    kernel = weight.reshape(case.groups, outputs, *case.weight_shape[1:])
    offsets = None if bias is None else bias.reshape(-1, 1, 1)
    result = np.empty(case.grouped_output_shape, case.dtype) if reuse else None

    def call() -> Any:
        padded = padded_image(case, image)
        by_group = padded.reshape(case.batch, case.groups, inputs, *padded.shape[2:])
        windows = sliding_window_view(by_group, case.reach, axis=(3, 4), subok=True)
        strided = windows[
            :, :, :, :: case.stride_height, :: case.stride_width, :: case.dilation_height, :: case.dilation_width
        ]
        output = np.einsum("ngchwij,gocij->ngohw", strided, kernel, out=result).reshape(case.output_shape)
        if offsets is not None:
            np.add(output, offsets, out=output)
        return output

    return call


def _prepare_im2col(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Lay the kernels out as the rows of one matrix a group; the call copies the columns and multiplies."""
    rows_of_weight = weight.reshape(case.groups, case.out_channels // case.groups, case.terms)
    offsets = None if bias is None else bias.reshape(case.groups, -1, 1)
    inputs, taps_of_case = case.in_channels // case.groups, tuple(taps(case))
    shape = (
        *(case.batch, case.in_channels, case.kernel_height, case.kernel_width),
        *(case.output_height, case.output_width),
    )
    grouped_shape = (case.batch, case.groups, case.out_channels // case.groups, case.output_height * case.output_width)
    result = np.empty(grouped_shape, case.dtype) if reuse else None

    def call() -> Any:
        padded = padded_image(case, image)
        columns = np.empty_like(padded, shape=shape)
        for row, column, rows, places in taps_of_case:
            np.copyto(columns[:, :, row, column], padded[:, :, rows, places])
        by_group = columns.reshape(case.batch, case.groups, inputs * case.kernel_height * case.kernel_width, -1)
        output = np.matmul(rows_of_weight, by_group, out=result)
        if offsets is not None:
            np.add(output, offsets, out=output)
        return output.reshape(case.output_shape)

    return call


SHIFT_ADD = Implementation(
    name="numpy.shift_add",
    family="manual",
    arrays="numpy",
    summary="NumPy: one scaled, shifted add for each tap and input channel",
    prepare=_prepare_shift_add,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare_shift_add, reuse=True))),
)

SLIDING_WINDOW = Implementation(
    name="numpy.sliding_window",
    family="manual",
    arrays="numpy",
    summary="NumPy: sliding_window_view, then einsum over the windows",
    prepare=_prepare_sliding_window,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare_sliding_window, reuse=True))),
)

IM2COL = Implementation(
    name="numpy.im2col",
    family="manual",
    arrays="numpy",
    summary="NumPy: the windows copied into columns, then one matrix product (BLAS)",
    prepare=_prepare_im2col,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare_im2col, reuse=True))),
)
