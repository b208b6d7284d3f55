"""SciPy's signal processing: a direct correlation, and convolutions by FFT, whole or block by block; one thread."""

from __future__ import annotations

from functools import partial
from typing import Any

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.peers.extras import not_installed
from impls.peers.planes import Place, by_planes, too_much_padding

__all__ = ["CORRELATE2D", "FFTCONVOLVE", "OACONVOLVE"]


def _available(case: ConvCase) -> Availability:
    height, width = case.reach
    reason = not_installed("SciPy", "scipy", "scipy") or too_much_padding(case, "scipy.signal", (height - 1, width - 1))
    return Availability.no(reason) if reason else AVAILABLE


def _mode(case: ConvCase) -> tuple[str, Place]:
    """Choose the mode that gives the least beyond the case's outputs, which are cut out of 'full' otherwise."""
    height, width = case.reach
    rows, columns = case.padding_height, case.padding_width
    if (rows, columns) == (0, 0):
        return "valid", Place(0, 0, case.height - height + 1, case.width - width + 1)
    if (2 * rows, 2 * columns) == (height - 1, width - 1):
        return "same", Place(0, 0, case.height, case.width)
    full = (case.height + height - 1, case.width + width - 1)
    return "full", Place(height - 1 - rows, width - 1 - columns, *full)


def _prepare_correlate2d(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    from scipy import signal

    mode, place = _mode(case)

    def bind(plane: Any, kernel: Any) -> Call:
        return partial(signal.correlate2d, plane, kernel, mode)

    return by_planes(case, image, weight, bias, bind, place)


def _prepare_by_fft(function: str, case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Turn the kernel round beforehand: SciPy's functions by FFT convolve in the strict sense."""
    from scipy import signal

    convolve = getattr(signal, function)
    mode, place = _mode(case)

    def bind(plane: Any, kernel: Any) -> Call:
        return partial(convolve, plane, kernel[::-1, ::-1].copy(), mode)

    return by_planes(case, image, weight, bias, bind, place)


CORRELATE2D = Implementation(
    name="scipy.correlate2d",
    family="library",
    arrays="numpy",
    summary="SciPy: scipy.signal.correlate2d, a direct sum",
    prepare=_prepare_correlate2d,
    available=_available,
    primary=False,
)

FFTCONVOLVE = Implementation(
    name="scipy.fftconvolve",
    family="library",
    arrays="numpy",
    summary="SciPy: scipy.signal.fftconvolve, one FFT of the whole image",
    prepare=partial(_prepare_by_fft, "fftconvolve"),
    available=_available,
    primary=False,
    error_bound="transform",
)

OACONVOLVE = Implementation(
    name="scipy.oaconvolve",
    family="library",
    arrays="numpy",
    summary="SciPy: scipy.signal.oaconvolve, FFTs of blocks that overlap and add",
    prepare=partial(_prepare_by_fft, "oaconvolve"),
    available=_available,
    primary=False,
    error_bound="transform",
)
