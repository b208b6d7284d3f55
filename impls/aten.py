"""Convolutions from torch's operators: the library's own, unfold and BLAS, and shifted adds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from impls.aten_backends import geometry, prepare_mkldnn, prepare_slow_conv2d
from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation, Switch
from impls.installed import needs_torch
from impls.output import output_buffer
from impls.padding import PADDED_BEFOREHAND
from impls.taps import taps

__all__ = ["CONV2D", "SHIFT_ADD", "UNFOLD", "backend_of", "prepare_conv2d"]


def prepare_conv2d(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Bind F.conv2d to its arguments."""
    from torch.nn import functional

    # partial, not a function of ours: no Python frame is added to the library's own.
    return partial(
        functional.conv2d,
        image,
        weight,
        bias,
        (case.stride_height, case.stride_width),
        (case.padding_height, case.padding_width),
        (case.dilation_height, case.dilation_width),
        case.groups,
    )


def _backend(case: ConvCase, image: Any, weight: Any, bias: Any) -> str:
    """Name the backend that torch chooses; '' where this torch does not say, since the question is a private one."""
    import torch

    select = getattr(torch._C, "_select_conv_backend", None)
    if select is None:
        return ""
    backend = select(image, weight, bias, *geometry(case), False, [0, 0], case.groups, None)
    return str(backend).rpartition(".")[2]


def backend_of(case: ConvCase) -> str:
    """Name the backend that torch chooses for dense tensors of a case, as it is set now; '' where it is unknown."""
    import torch

    image = torch.empty(case.image_shape, dtype=getattr(torch, case.dtype))
    return _backend(case, image, torch.empty(case.weight_shape, dtype=image.dtype), None)


def _prepare_backend(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Call what F.conv2d comes to, without its choice; raises NotImplementedError for a backend without an operator."""
    backend = _backend(case, image, weight, bias)
    if backend == "Mkldnn":
        return prepare_mkldnn(case, image, weight, bias)
    if backend == "Slow2d":
        return prepare_slow_conv2d(case, image, weight, bias)
    raise NotImplementedError(f"torch's backend {backend!r} has no operator of its own; only Mkldnn and Slow2d do")


def _prepare_prepacked(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Lay the weight out for oneDNN once, as it wants it for images of this size, and call its operator."""
    import torch

    stride, padding, dilation = geometry(case)
    # The private name is what torch's own inductor packs with; the public torch.utils.mkldnn packs whole modules only.
    packed = torch._C._nn.mkldnn_reorder_conv2d_weight(  # type: ignore[call-arg]  # torch's stubs lack the last one
        weight.to_mkldnn(), padding, stride, dilation, case.groups, list(image.shape)
    )
    return partial(torch.mkldnn_convolution, image, packed, bias, padding, stride, dilation, case.groups)


def _prepare_unbatched(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Call the library on the one image (C, H, W) of a batch; its output gets the dimension back, a view of it."""
    single = prepare_conv2d(case, image[0], weight, bias)

    def call() -> Any:
        return single().unsqueeze(0)

    return call


def _is_one_image(case: ConvCase) -> Availability:
    if case.batch == 1:
        return needs_torch(case)
    return Availability.no(f"the case has a batch of {case.batch} images; a call without a batch takes one")


def _backend_is(*wanted: str) -> Callable[[ConvCase], Availability]:
    """Make the question whether torch chooses one of these backends for a case."""

    def available(case: ConvCase) -> Availability:
        if not needs_torch(case).available:
            return needs_torch(case)
        backend = backend_of(case)
        if backend in wanted:
            return AVAILABLE
        return Availability.no(f"torch's backend here is {backend or 'unknown'}, not {' or '.join(wanted)}")

    return available


def _prepare_unfold(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Lay the kernels out as the rows of one matrix a group; the call makes the image's columns and multiplies."""
    import torch
    from torch.nn import functional

    outputs = case.output_height * case.output_width
    rows = weight.reshape(case.groups, case.out_channels // case.groups, case.terms)
    offsets = None if bias is None else bias.reshape(case.groups, -1, 1)
    kernel_size = (case.kernel_height, case.kernel_width)
    dilation = (case.dilation_height, case.dilation_width)
    padding = (case.padding_height, case.padding_width)
    stride = (case.stride_height, case.stride_width)
    shape = (case.batch, case.groups, case.out_channels // case.groups, outputs)
    result = image.new_empty(shape) if reuse else None

    def call() -> Any:
        columns = functional.unfold(image, kernel_size, dilation, padding, stride)
        product = torch.matmul(rows, columns.view(case.batch, case.groups, case.terms, outputs), out=result)
        if offsets is not None:
            product += offsets
        return product.view(case.output_shape)

    return call


def _prepare_shift_add(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Split the kernel into taps and input channels; the call adds one scaled, shifted image for each."""
    import torch
    from torch.nn import functional

    inputs = case.in_channels // case.groups
    grouped = weight.reshape(1, case.groups, -1, inputs, case.kernel_height, case.kernel_width, 1, 1)
    parts = [
        (channel, rows, columns, grouped[:, :, :, channel, row, column].contiguous())
        for channel in range(inputs)
        for row, column, rows, columns in taps(case)
    ]
    offsets = None if bias is None else bias.reshape(1, case.groups, -1, 1, 1)
    widths = (case.padding_width, case.padding_width, case.padding_height, case.padding_height)
    padded_size = (case.height + 2 * case.padding_height, case.width + 2 * case.padding_width)
    result = image.new_empty(case.grouped_output_shape) if reuse else None

    def call() -> Any:
        padded = functional.pad(image, widths).view(case.batch, case.groups, inputs, *padded_size)
        (channel, rows, columns, factor), *others = parts
        output = torch.mul(padded[:, :, channel, None, rows, columns], factor, out=result)
        for channel, rows, columns, factor in others:
            output.addcmul_(padded[:, :, channel, None, rows, columns], factor)
        if offsets is not None:
            output += offsets
        return output.view(case.output_shape)

    return call


CONV2D = Implementation(
    name="torch.conv2d",
    family="library",
    arrays="torch",
    summary="torch.nn.functional.conv2d under inference_mode; the default baseline",
    prepare=prepare_conv2d,
    available=needs_torch,
    switches=(
        PADDED_BEFOREHAND,
        Switch(
            name="backend_operator",
            cause="dispatch",
            summary="the backend operator that torch chooses, called directly",
            prepare=_prepare_backend,
            available=_backend_is("Mkldnn", "Slow2d"),
            devices=("cpu",),
        ),
        Switch(
            name="prepacked_weights",
            cause="traffic",
            summary="the weight laid out for oneDNN beforehand, whose operator is called directly",
            prepare=_prepare_prepacked,
            available=_backend_is("Mkldnn"),
            devices=("cpu",),
        ),
        Switch(
            name="unbatched",
            cause="dispatch",
            summary="called on the image without its batch dimension, which the output gets back",
            prepare=_prepare_unbatched,
            available=_is_one_image,
        ),
    ),
)

UNFOLD = Implementation(
    name="torch.unfold",
    family="manual",
    arrays="torch",
    summary="im2col by F.unfold, then one matrix product (BLAS)",
    prepare=_prepare_unfold,
    available=needs_torch,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare_unfold, reuse=True))),
)

SHIFT_ADD = Implementation(
    name="torch.shift_add",
    family="manual",
    arrays="torch",
    summary="one scaled, shifted add (addcmul_) for each tap and input channel",
    prepare=_prepare_shift_add,
    available=needs_torch,
    switches=(PADDED_BEFOREHAND, output_buffer(partial(_prepare_shift_add, reuse=True))),
)
