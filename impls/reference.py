"""What is right: a float64 oracle, and how far from it rounding may take an implementation."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from impls.case import ConvCase

__all__ = ["Check", "check", "convolve", "error_bound"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """Say whether an output is right, else why not; error and bound are absolute, at the element nearest its bound."""

    correct: bool
    reason: str = ""
    max_error: float | None = None
    error_bound: float | None = None


def convolve(case: ConvCase, image: Any, weight: Any, bias: Any = None) -> Floats:
    """Compute the case in float64, tap by tap; takes tensors or arrays, gives (N, O, H', W')."""
    padded = _padded(case, _float64(image))
    by_group = _float64(weight).reshape(case.groups, case.out_channels // case.groups, *case.weight_shape[1:])
    output = np.zeros(
        (case.batch, case.groups, case.out_channels // case.groups, case.output_height * case.output_width)
    )
    for row in range(case.kernel_height):
        for column in range(case.kernel_width):
            output += by_group[..., row, column] @ _under_tap(case, padded, row, column)
    result = output.reshape(case.output_shape)
    return result if bias is None else result + _float64(bias)[:, None, None]


def error_bound(case: ConvCase, image: Any, weight: Any, bias: Any = None) -> Floats:
    """Bound each element's rounding error when its products are summed directly, in any order.

    |computed - exact| <= gamma_n * (sum |x||w| + |b|), with gamma_n = n u / (1 - n u), u the unit roundoff of the
    case's dtype and n the number of products, plus one for the bias, plus one for a final rounding (an implementation
    that accumulates in another precision converts once more). The oracle's own error, gamma_n in float64, is added:
    it matters for float64 cases only. Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
    section 3.1, equation (3.5). Algorithms that do not sum the products themselves (FFT, Winograd) obey weaker,
    norm-wise bounds and may exceed it.
    """
    magnitudes = [None if array is None else np.abs(_float64(array)) for array in (image, weight, bias)]
    rounding = _gamma(case, case.dtype) + _gamma(case, "float64")
    return rounding * convolve(case, *magnitudes)


def check(case: ConvCase, output: Any, image: Any, weight: Any, bias: Any = None) -> Check:
    """Compare an output with the oracle; takes a tensor (any device) or an array, of the case's shape and dtype."""
    fault = _fault_of_kind(case, output)
    if fault:
        return Check(correct=False, reason=fault)
    try:
        computed = _float64(output)
    except (RuntimeError, TypeError) as unreadable:  # a sparse or a meta tensor, for example
        return Check(correct=False, reason=f"the output cannot be read: {str(unreadable).splitlines()[0]}")
    not_finite = int(np.count_nonzero(~np.isfinite(computed)))
    if not_finite:
        return Check(correct=False, reason=f"{not_finite} of {computed.size} elements are NaN or infinite")
    error = np.abs(computed - convolve(case, image, weight, bias))
    return _judged(case, error, error_bound(case, image, weight, bias))


def _judged(case: ConvCase, error: Floats, bound: Floats) -> Check:
    # An output that only padding reaches is exactly zero, and so is its bound.
    shares = np.divide(error, bound, out=np.where(error > 0, np.inf, 0.0), where=bound > 0)
    worst = np.unravel_index(int(np.argmax(shares)), shares.shape)
    max_error, allowed = float(error[worst]), float(bound[worst])
    if shares[worst] <= 1:
        return Check(correct=True, max_error=max_error, error_bound=allowed)
    beyond = int(np.count_nonzero(shares > 1))
    place = ", ".join(str(index) for index in worst)
    reason = (
        f"{beyond} of {error.size} elements are beyond the error bound of direct {case.dtype} summation; "
        f"the worst, at [{place}], is off by {max_error:.3g}, allowed {allowed:.3g}"
    )
    return Check(correct=False, reason=reason, max_error=max_error, error_bound=allowed)


def _fault_of_kind(case: ConvCase, output: Any) -> str:
    if not (isinstance(output, np.ndarray) or _is_tensor(output)):
        kind = type(output)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        return f"returned {name}, not a tensor or an array"
    shape, dtype = tuple(output.shape), str(output.dtype).removeprefix("torch.")
    if shape != case.output_shape:
        return f"returned shape {shape}, expected {case.output_shape}"
    if dtype != case.dtype:
        return f"returned dtype {dtype}, expected {case.dtype}"
    return ""


def _is_tensor(value: Any) -> bool:
    # A tensor exists only where torch is loaded already; importing it here would slow those who never use it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _float64(values: Any) -> Floats:
    plain = values.numpy(force=True) if _is_tensor(values) else values
    return np.asarray(plain, dtype=np.float64)


def _gamma(case: ConvCase, dtype: str) -> float:
    unit_roundoff = float(np.finfo(dtype).eps) / 2
    roundings = (case.terms + int(case.bias) + 1) * unit_roundoff
    return roundings / (1 - roundings)


def _padded(case: ConvCase, image: Floats) -> Floats:
    vertical, horizontal = (case.padding_height,) * 2, (case.padding_width,) * 2
    return np.pad(image, ((0, 0), (0, 0), vertical, horizontal))


def _under_tap(case: ConvCase, padded: Floats, row: int, column: int) -> Floats:
    """Give what one kernel tap meets, as (N, groups, C/groups, outputs)."""
    top, left = row * case.dilation_height, column * case.dilation_width
    rows = slice(top, top + (case.output_height - 1) * case.stride_height + 1, case.stride_height)
    columns = slice(left, left + (case.output_width - 1) * case.stride_width + 1, case.stride_width)
    return padded[:, :, rows, columns].reshape(case.batch, case.groups, case.in_channels // case.groups, -1)
