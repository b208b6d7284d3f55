"""A convolution as a product of spectra, by NumPy's FFT."""

from __future__ import annotations

from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import Call, Implementation
from impls.spectra import computed_outputs, lay_out_kernel, transform_shape

__all__ = ["FFT"]


def _prepare_fft(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Transform the kernel; the call transforms the image, multiplies channel by channel, and transforms back."""
    inputs = case.in_channels // case.groups
    shape, computed = transform_shape(case), computed_outputs(case)
    laid_out = lay_out_kernel(case, weight, np.zeros((*case.weight_shape[:2], *shape), case.dtype))
    kernels = np.conj(np.fft.rfft2(laid_out)).reshape(1, case.groups, -1, inputs, shape[0], shape[1] // 2 + 1)
    offsets = None if bias is None else bias.reshape(-1, 1, 1)

    def call() -> Any:
        spectra = np.fft.rfft2(image, shape)
        by_group = spectra.reshape(case.batch, case.groups, inputs, *spectra.shape[2:])
        total = np.multiply(by_group[:, :, np.newaxis, 0], kernels[:, :, :, 0])
        for channel in range(1, inputs):
            np.add(total, np.multiply(by_group[:, :, np.newaxis, channel], kernels[:, :, :, channel]), out=total)
        spread = np.fft.irfft2(total, shape).reshape(case.batch, case.out_channels, *shape)[:, :, *computed]
        output = np.empty_like(image, shape=case.output_shape)
        # NumPy before 2 transforms in float64 whatever it is given; the case's dtype comes back here.
        if offsets is None:
            np.copyto(output, spread, casting="same_kind")
        else:
            np.add(spread, offsets, out=output, casting="same_kind")
        return output

    return call


FFT = Implementation(
    name="numpy.fft",
    family="manual",
    arrays="numpy",
    summary="NumPy: rfft2 of the image times the kernel's spectrum, made beforehand, and irfft2",
    prepare=_prepare_fft,
    primary=False,
    error_bound="transform",
)
