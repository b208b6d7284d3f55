"""What an operator must read and compute, told from the shapes that a trace records."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["flops", "input_bytes"]

# Names of element types as C++ writes them, and the older ones of torch's scalars.
_ITEM_BYTES = {
    "double": 8, "long": 8, "long int": 8, "long long": 8, "int64_t": 8, "unsigned long": 8, "c10::complex<float>": 8,
    "float": 4, "int": 4, "unsigned int": 4, "c10::complex<c10::Half>": 4,
    "c10::Half": 2, "c10::BFloat16": 2, "short": 2, "short int": 2, "unsigned short": 2,
    "bool": 1, "unsigned char": 1, "signed char": 1, "char": 1, "c10::qint8": 1, "c10::quint8": 1,
    "c10::Float8_e4m3fn": 1, "c10::Float8_e5m2": 1, "c10::Float8_e4m3fnuz": 1, "c10::Float8_e5m2fnuz": 1,
    "c10::complex<double>": 16,
}  # fmt: skip

# Places of stride, padding and dilation among the arguments of torch's convolutions (native_functions.yaml).
_CONVOLUTIONS: Mapping[str, tuple[int, int, int]] = {
    "aten::conv1d": (3, 4, 5),
    "aten::conv2d": (3, 4, 5),
    "aten::conv3d": (3, 4, 5),
    "aten::convolution": (3, 4, 5),
    "aten::_convolution": (3, 4, 5),
    "aten::cudnn_convolution": (3, 2, 4),
    "aten::miopen_convolution": (4, 3, 5),
    "aten::mkldnn_convolution": (4, 3, 5),
    "aten::thnn_conv2d": (4, 5, 6),
}
_TRANSPOSED_AT = {"aten::convolution": 6, "aten::_convolution": 6}
_PRODUCTS: Mapping[str, tuple[int, int]] = {
    "aten::mm": (0, 1),
    "aten::bmm": (0, 1),
    "aten::addmm": (1, 2),
    "aten::_addmm_activation": (1, 2),
    "aten::baddbmm": (1, 2),
}
# Operators that read all of each input. Those that gather (embedding, index, gather), that view, or that are not
# torch's own may leave most of it unread, and have no model.
_READS_ALL = re.compile(
    r"aten::_?(add|sub|mul|div|relu|gelu|silu|sigmoid|tanh|exp|log|neg|abs|rsqrt|sqrt|pow|clamp|clamp_min|where|lerp"
    r"|threshold|threshold_backward|leaky_relu|hardtanh|addcmul|addcdiv|maximum|minimum|eq|ne|lt|le|gt|ge|copy|clone|cat"
    r"|sum|mean|var|std|norm|amax|amin|max|min|argmax|softmax|log_softmax|softmax_backward_data|native_layer_norm"
    r"|native_batch_norm|cudnn_batch_norm|miopen_batch_norm|batch_norm_elemt|native_batch_norm_backward"
    r"|cudnn_batch_norm_backward|miopen_batch_norm_backward|max_pool2d_with_indices|adaptive_avg_pool2d|avg_pool2d"
    r"|gelu_backward|silu_backward|constant_pad_nd|flash_attention_forward|convolution_backward)_?$"
)
_MOST_AXES = 64  # torch's own limit
_INTEGER = re.compile(r"-?\d+")


def input_bytes(name: str, shapes: Any, types: Any, strides: Any) -> float:
    """Sum the bytes of the tensor inputs of an operator that reads all of them.

    An axis that is only expanded (its stride is 0) holds one element; where strides are not recorded, it counts in
    full. NaN for other operators, and where there is no tensor, or one of an unknown type.
    """
    if not (name in _PRODUCTS or name in _CONVOLUTIONS or _READS_ALL.match(name)):
        return math.nan
    if not isinstance(shapes, list) or not isinstance(types, list) or len(shapes) != len(types):
        return math.nan
    steps = strides if isinstance(strides, list) and len(strides) == len(shapes) else [None] * len(shapes)
    total = 0.0
    for shape, kind, step in zip(shapes, types, steps, strict=True):
        if not _is_shape(shape) or not shape:
            continue
        item = _ITEM_BYTES.get(kind) if isinstance(kind, str) else None
        if item is None:
            return math.nan
        total += item * _held(shape, step)
    return total or math.nan


def _held(shape: Sequence[int], strides: Any) -> int:
    if not isinstance(strides, list) or len(strides) != len(shape):
        return math.prod(shape)
    return math.prod(size for size, stride in zip(shape, strides, strict=True) if stride != 0 or size == 0)


def flops(name: str, shapes: Any, values: Any) -> float:
    """Count floating-point operations, a multiply-add as two, of products and convolutions; NaN for all others."""
    if not isinstance(shapes, list):
        return math.nan
    if name in _PRODUCTS:
        return _of_product(shapes, *_PRODUCTS[name])
    if name in _CONVOLUTIONS and isinstance(values, list) and len(shapes) > 1:
        return _of_convolution(name, shapes[0], shapes[1], values)
    return math.nan


def _of_product(shapes: Sequence[Any], first: int, second: int) -> float:
    if len(shapes) <= second or not (_is_shape(shapes[first]) and _is_shape(shapes[second])):
        return math.nan
    left, right = shapes[first], shapes[second]
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        return math.nan
    return float(2 * math.prod(left) * right[-1])


def _of_convolution(name: str, image: Any, weight: Any, values: Sequence[Any]) -> float:
    """Count 2 x outputs x weights per output (benchdnn's formula)."""
    places = _CONVOLUTIONS[name]
    if not (_is_shape(image) and _is_shape(weight)) or len(image) != len(weight) or len(image) < 3:
        return math.nan
    if len(values) <= max(places) or _is_transposed(name, values):
        return math.nan
    axes = len(image) - 2
    stride, padding, dilation = (_per_axis(values[place], axes) for place in places)
    if stride is None or padding is None or dilation is None or not all(stride):
        return math.nan
    outputs = 1
    for axis in range(axes):
        reach = dilation[axis] * (weight[axis + 2] - 1) + 1
        outputs *= (image[axis + 2] + 2 * padding[axis] - reach) // stride[axis] + 1
    return float(2 * image[0] * weight[0] * outputs * math.prod(weight[1:]))


def _is_transposed(name: str, values: Sequence[Any]) -> bool:
    place = _TRANSPOSED_AT.get(name)
    return place is not None and (len(values) <= place or values[place] != "False")


def _per_axis(value: Any, axes: int) -> list[int] | None:
    numbers = [int(number) for number in _INTEGER.findall(value)] if isinstance(value, str) else []
    if len(numbers) == 1:
        return numbers * axes
    return numbers if len(numbers) == axes else None


def _is_shape(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) <= _MOST_AXES and all(type(each) is int and each >= 0 for each in value)
    )
