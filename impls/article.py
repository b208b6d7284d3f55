"""The article's three listings: its operations in its order, in our words.

What the listings do once (building the layer, copying the weight) stands in `prepare`; what they time is the call. The
second and third know one image, one channel, stride 1 and 'same' padding; their `available` says so. They make their
output in float32 whatever they are given.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation, Switch
from impls.cuda.device import cuda_device
from impls.installed import needs_torch
from impls.padding import PADDED_BEFOREHAND

__all__ = ["MODULE", "NUMPY_LOOP", "TORCH_LOOP", "TORCH_LOOP_ON_CPU"]


def _prepare_module(case: ConvCase, image: Any, weight: Any, bias: Any, *, zeros: bool = True) -> Call:
    """Build listing 1's layer, with the bias that `nn.Conv2d` has by default: the case's, or zeros.

    Its parameters require gradients, as in the article, whatever mode this is called under. Without `zeros` the layer
    of a case without bias has none either.
    """
    import torch
    from torch import nn

    # Without initial weights: whoever measures keeps the random state it had.
    with torch.inference_mode(mode=False):
        layer = nn.utils.skip_init(  # type: ignore[no-untyped-call]
            nn.Conv2d,
            case.in_channels,
            case.out_channels,
            kernel_size=(case.kernel_height, case.kernel_width),
            stride=(case.stride_height, case.stride_width),
            padding=(case.padding_height, case.padding_width),
            dilation=(case.dilation_height, case.dilation_width),
            groups=case.groups,
            bias=zeros or bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        layer.weight = nn.Parameter(weight)
        if layer.bias is not None:
            layer.bias = nn.Parameter(weight.new_zeros(case.out_channels) if bias is None else bias)

    def call() -> Any:
        return layer(image)

    return call


def _prepare_functional(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Do what the layer does, without the layer: its weight and bias still require gradients."""
    from torch.nn import functional

    parameter = weight.clone().requires_grad_()
    zeros = weight.new_zeros(case.out_channels) if bias is None else bias.clone()
    return functools.partial(
        functional.conv2d,
        image,
        parameter,
        zeros.requires_grad_(),
        (case.stride_height, case.stride_width),
        (case.padding_height, case.padding_width),
        (case.dilation_height, case.dilation_width),
        case.groups,
    )


def _numpy_loop(image: Any, kernel: Any) -> Any:
    """Compute listing 2: pad, then for every pixel multiply its neighbourhood by the kernel and sum."""
    height, width = image.shape
    kernel_height, kernel_width = kernel.shape
    output = np.zeros((height, width), dtype=np.float32)
    above, left = kernel_height // 2, kernel_width // 2
    padded = np.pad(image, ((above, above), (left, left)), mode="constant")
    for row in range(height):
        for column in range(width):
            output[row, column] = np.sum(padded[row : row + kernel_height, column : column + kernel_width] * kernel)
    return output


def _prepare_numpy_loop(_case: ConvCase, image: Any, weight: Any, _bias: Any) -> Call:
    plane, kernel = image[0, 0], weight[0, 0]

    def call() -> Any:
        return _numpy_loop(plane, kernel)[np.newaxis, np.newaxis]

    return call


def _torch_loop(image: Any, weight: Any) -> Any:
    """Compute listing 3, where its tensors lie: listing 2's loop, the kernel's sizes read for every pixel."""
    import torch
    from torch.nn import functional

    above, left = weight.shape[2] // 2, weight.shape[3] // 2
    padded = functional.pad(image, (left, left, above, above), mode="constant", value=0)
    height, width = image.shape[2], image.shape[3]
    output = torch.zeros((1, 1, height, width), dtype=torch.float32, device=image.device)
    for row in range(height):
        for column in range(width):
            output[0, 0, row, column] = torch.sum(
                padded[0, 0, row : row + weight.shape[2], column : column + weight.shape[3]] * weight
            )
    return output


def _prepare_torch_loop(_case: ConvCase, image: Any, weight: Any, _bias: Any) -> Call:
    def call() -> Any:
        return _torch_loop(image, weight)

    return call


def _prepare_torch_loop_on_cpu(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    return _prepare_torch_loop(case, image.cpu(), weight.cpu(), bias)


def _has_no_bias(case: ConvCase) -> Availability:
    return Availability.no("the case has a bias, which is part of what is computed") if case.bias else AVAILABLE


def _listing_handles(case: ConvCase) -> Availability:
    """Answer for listings 2 and 3: what the article's code computes, and nothing that we would have to add."""
    limits = {
        "one image": case.batch == 1,
        "one channel": case.in_channels == case.out_channels == 1,
        "stride 1": case.stride_height == case.stride_width == 1,
        "no dilation": case.dilation_height == case.dilation_width == 1,
        "no bias": not case.bias,
        "float32": case.dtype == "float32",
        "an odd kernel": case.kernel_height % 2 == case.kernel_width % 2 == 1,
        "padding of half the kernel": (case.padding_height, case.padding_width)
        == (case.kernel_height // 2, case.kernel_width // 2),
    }
    unmet = [limit for limit, met in limits.items() if not met]
    if unmet:
        return Availability.no(f"the article's listing handles only {', '.join(unmet)}; see torch.conv2d for any case")
    return AVAILABLE


def _torch_listing_handles(case: ConvCase) -> Availability:
    torch_there = needs_torch(case)
    return _listing_handles(case) if torch_there.available else torch_there


def _torch_listing_beside_a_gpu(case: ConvCase) -> Availability:
    answer = _torch_listing_handles(case)
    return cuda_device() if answer.available else answer


MODULE = Implementation(
    name="article.module",
    family="library",
    arrays="torch",
    summary="listing 1: nn.Conv2d with its default bias, gradients enabled as in the article",
    prepare=_prepare_module,
    available=needs_torch,
    grad_mode="enabled",
    switches=(
        PADDED_BEFOREHAND,
        Switch(
            name="functional",
            cause="interpreter",
            summary="F.conv2d with the layer's weight and bias instead of the layer",
            prepare=_prepare_functional,
        ),
        Switch(
            name="without_bias",
            cause="arithmetic",
            summary="the layer made without the bias of zeros that it adds by default",
            prepare=functools.partial(_prepare_module, zeros=False),
            available=_has_no_bias,
        ),
    ),
    error_bound="library",
    devices=("cpu", "cuda"),
)

NUMPY_LOOP = Implementation(
    name="article.numpy_loop",
    family="manual",
    arrays="numpy",
    summary="listing 2: NumPy, one multiplication and one np.sum a pixel",
    prepare=_prepare_numpy_loop,
    available=_listing_handles,
)

TORCH_LOOP = Implementation(
    name="article.torch_loop",
    family="manual",
    arrays="torch",
    summary="listing 3: torch tensors, one multiplication and one torch.sum a pixel",
    prepare=_prepare_torch_loop,
    available=_torch_listing_handles,
    devices=("cpu", "cuda"),
)

# A run has one device; in one on a GPU this is what the loop there is compared with, in the same rounds.
TORCH_LOOP_ON_CPU = Implementation(
    name="article.torch_loop[cpu]",
    family="manual",
    arrays="torch",
    summary="listing 3 on the CPU, in a run on a GPU: its tensors are copied there beforehand, the output stays there",
    prepare=_prepare_torch_loop_on_cpu,
    available=_torch_listing_beside_a_gpu,
    devices=("cuda",),
)
