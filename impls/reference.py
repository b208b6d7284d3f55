"""What is right: a float64 oracle, and how far from it rounding may take an implementation, by how it computes."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from impls.case import ConvCase
from impls.contract import ErrorBound

__all__ = ["Check", "check", "convolve", "error_bound"]

Floats = npt.NDArray[np.float64]

_TRANSFORM_CONSTANT = 60.0
_COMPUTED: dict[ErrorBound, str] = {
    "direct": "direct {} summation",
    "transform": "{} transforms",
    "tf32": "sums of inputs rounded to TF32, or of {} transforms",
}
_TF32_ROUNDOFF = 2.0**-10  # ten bits after the leading one, cut off where the hardware does not round
# Bounds that a reader may declare, narrowest first.
_DECLARE_IT: dict[ErrorBound, str] = {
    "transform": (
        "all are within that of transforms: if it computes through an FFT or Winograd's algorithm, "
        "whose results are accurate in norm, say so with `function.error_bound = 'transform'`"
    ),
    "tf32": (
        "all are within that of TF32: if it lets a GPU round its inputs to TF32, as torch's convolutions do by "
        "default, say so with `function.error_bound = 'tf32'`"
    ),
}


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


def error_bound(case: ConvCase, image: Any, weight: Any, bias: Any = None, kind: ErrorBound = "direct") -> Floats:
    """Bound each element's rounding error, for a direct sum, through transforms, or of inputs rounded to TF32.

    Of `library` it is what holds on the CPU: `check`, which sees where an output lies, asks for `tf32` on a GPU.
    """
    direct = _direct_bound(case, image, weight, bias)
    if kind in ("direct", "library"):
        return direct
    rounded = _rounded_to_tf32(case, image, weight) if kind == "tf32" and case.dtype == "float32" else 0.0
    return direct + _spread_by_transforms(case, image, weight) + rounded


def _rounded_to_tf32(case: ConvCase, image: Any, weight: Any) -> Floats:
    """Bound what each element's error gains where both factors of each product are rounded to TF32 first.

    ((1 + t)^2 (1 + gamma_m) - 1) * sum |x||w|: products of rounded inputs are exact, and their sum is rounded in
    float32 as tensor cores do it, cut off instead of rounded, so that gamma_m is of twice the unit roundoff. Source:
    P. Blanchard, N. J. Higham, F. Lopez, T. Mary, S. Pranesh, Mixed precision block fused multiply-add: error analysis
    and application to GPU tensor cores, SIAM J. Sci. Comput. 42(3), 2020, section 3. t is 2^-11 where inputs are
    rounded to nearest and 2^-10 where they are cut off; NVIDIA does not document which, so it is the latter here. How
    the sum is rounded is from M. Fasi, N. J. Higham, M. Mikaitis, S. Pranesh, Numerical behavior of NVIDIA tensor
    cores, PeerJ Computer Science 7:e330, 2021.
    """
    accumulated = 1 + _gamma(case, "float32", cut_off=True)
    magnitudes = convolve(case, np.abs(_float64(image)), np.abs(_float64(weight)))
    return ((1 + _TF32_ROUNDOFF) ** 2 * accumulated - 1) * magnitudes


def _direct_bound(case: ConvCase, image: Any, weight: Any, bias: Any) -> Floats:
    """Bound each element's rounding error when its products are summed directly, in any order.

    |computed - exact| <= gamma_n * (sum |x||w| + |b|), with gamma_n = n u / (1 - n u), u the unit roundoff of the
    case's dtype and n the number of products, plus one for the bias, plus one for a final rounding (an implementation
    that accumulates in another precision converts once more). The oracle's own error, gamma_n in float64, is added:
    it matters for float64 cases only. Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
    section 3.1, equation (3.5). Algorithms that do not sum the products themselves (FFT, Winograd) obey weaker,
    norm-wise bounds and exceed it, mostly where the products under one output are small.
    """
    magnitudes = [None if array is None else np.abs(_float64(array)) for array in (image, weight, bias)]
    rounding = _gamma(case, case.dtype) + _gamma(case, "float64")
    return rounding * convolve(case, *magnitudes)


def _spread_by_transforms(case: ConvCase, image: Any, weight: Any) -> Floats:
    """Bound what each element's error gains where transforms spread the rounding of all pixels over all outputs.

    (c log2(n) + C/groups) u sum over the input channels of rms(x) ||w||_1, of shape (N, O, 1, 1). One FFT of n points
    errs by at most log2(n) eta in the 2-norm, relatively, with eta <= (1 + 4 sqrt 2) u = 6.7 u where the roots of unity
    are rounded once: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem 24.2. A convolution
    takes three of them, and ||F(w)||_inf <= ||w||_1 carries their errors to at most 3 log2(n) eta ||x||_2 ||w||_1 in
    the output's 2-norm (section 24.3 does so for circulant systems); so c is 20, and 60 because a length with a large
    prime factor is made of three transforms (Bluestein). C/groups spectra are summed. n is the padded image's pixels
    with each side doubled, the most that a fast length needs.

    The norm bounds the errors' root mean square; here it is held against each of them, which is safe by measurement:
    an inverse transform spreads errors evenly, our data are alike everywhere (impls/data.py), and c is far above what
    is seen. From 3x3 to 2048x2048, FFTs in float32 reached 2 % of this bound, and Winograd's F(6x6, 3x3), as NNPACK
    computes it, with worse constants, 40 %. It stays below what matters: a tap or a border left out is thousands of
    times beyond it, inputs rounded to half precision twice to eleven times.
    """
    points = 4 * (case.height + 2 * case.padding_height) * (case.width + 2 * case.padding_width)
    inputs = case.in_channels // case.groups
    unit_roundoff = float(np.finfo(case.dtype).eps) / 2
    pixels = np.sqrt(np.mean(np.square(_float64(image)), axis=(2, 3))).reshape(case.batch, case.groups, 1, inputs)
    taps = np.abs(_float64(weight)).sum(axis=(2, 3)).reshape(1, case.groups, -1, inputs)
    magnitudes: Floats = np.sum(pixels * taps, axis=3).reshape(case.batch, case.out_channels, 1, 1)
    return (_TRANSFORM_CONSTANT * math.log2(points) + inputs) * unit_roundoff * magnitudes


def check(
    case: ConvCase, output: Any, image: Any, weight: Any, bias: Any = None, *, kind: ErrorBound = "direct"
) -> Check:
    """Compare an output with the oracle; takes a tensor (any device) or an array, of the case's shape and dtype.

    `kind` is the bound it is held to. One that only fails a narrower bound is told how to declare a wider one.
    """
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
    held = _on_its_device(kind, output)
    answer = _judged(case, error, error_bound(case, image, weight, bias, held), held)
    if answer.correct:
        return answer
    for wider in _wider(held, output):
        if _judged(case, error, error_bound(case, image, weight, bias, wider), wider).correct:
            return replace(answer, reason=f"{answer.reason}; {_DECLARE_IT[wider]}")
    return answer


def _on_its_device(kind: ErrorBound, output: Any) -> ErrorBound:
    """Say what the library is held to where an output lies; its default there rounds to TF32, or is a direct sum."""
    if kind != "library":
        return kind
    return "tf32" if _on_cuda(output) else "direct"


def _wider(kind: ErrorBound, output: Any) -> tuple[ErrorBound, ...]:
    """List the bounds beyond one that may be declared; no processor rounds to TF32."""
    order: tuple[ErrorBound, ...] = ("direct", "transform", "tf32") if _on_cuda(output) else ("direct", "transform")
    return order[order.index(kind) + 1 :] if kind in order else ()


def _on_cuda(output: Any) -> bool:
    return _is_tensor(output) and output.device.type == "cuda"


def _judged(case: ConvCase, error: Floats, bound: Floats, kind: ErrorBound) -> Check:
    # An output that only padding reaches is exactly zero, and so is its bound.
    shares = np.divide(error, bound, out=np.where(error > 0, np.inf, 0.0), where=bound > 0)
    worst = np.unravel_index(int(np.argmax(shares)), shares.shape)
    max_error, allowed = float(error[worst]), float(bound[worst])
    if shares[worst] <= 1:
        return Check(correct=True, max_error=max_error, error_bound=allowed)
    beyond = int(np.count_nonzero(shares > 1))
    place = ", ".join(str(index) for index in worst)
    reason = (
        f"{beyond} of {error.size} elements are beyond the error bound of {_COMPUTED[kind].format(case.dtype)}; "
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


def _gamma(case: ConvCase, dtype: str, *, cut_off: bool = False) -> float:
    unit_roundoff = float(np.finfo(dtype).eps) / (1 if cut_off else 2)
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
