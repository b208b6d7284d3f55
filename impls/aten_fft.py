"""A convolution as a product of spectra, by torch's FFT."""

from __future__ import annotations

from typing import Any

from impls.case import ConvCase
from impls.contract import Call, Implementation
from impls.installed import needs_torch
from impls.spectra import computed_outputs, lay_out_kernel, transform_shape

__all__ = ["FFT"]


def _prepare_fft(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Transform the kernel; the call transforms the image, multiplies channel by channel, and transforms back."""
    import torch

    inputs = case.in_channels // case.groups
    shape, computed = transform_shape(case), computed_outputs(case)
    laid_out = lay_out_kernel(case, weight, weight.new_zeros((*case.weight_shape[:2], *shape)))
    # resolve_conj: else each product would conjugate anew.
    conjugate = torch.fft.rfft2(laid_out).conj().resolve_conj()
    kernels = conjugate.view(1, case.groups, -1, inputs, shape[0], shape[1] // 2 + 1)
    offsets = None if bias is None else bias.reshape(-1, 1, 1)

    def call() -> Any:
        spectra = torch.fft.rfft2(image, shape)
        by_group = spectra.reshape(case.batch, case.groups, inputs, *spectra.shape[2:])
        total = by_group[:, :, None, 0] * kernels[:, :, :, 0]
        for channel in range(1, inputs):
            total.addcmul_(by_group[:, :, None, channel], kernels[:, :, :, channel])
        spread = torch.fft.irfft2(total, shape).view(case.batch, case.out_channels, *shape)[:, :, *computed]
        return spread.contiguous() if offsets is None else spread + offsets

    return call


FFT = Implementation(
    name="torch.fft",
    family="manual",
    arrays="torch",
    summary="torch.fft: rfft2 of the image times the kernel's spectrum, made beforehand, and irfft2",
    prepare=_prepare_fft,
    available=needs_torch,
    primary=False,
    error_bound="transform",
    devices=("cpu", "cuda"),
)
