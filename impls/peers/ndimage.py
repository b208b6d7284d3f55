"""SciPy's ndimage.correlate: a filter of the image's own size, summed in float64, on one thread."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.output import output_buffer
from impls.peers.extras import not_installed
from impls.peers.planes import Place, by_planes, too_much_padding

__all__ = ["CORRELATE"]


def _available(case: ConvCase) -> Availability:
    height, width = case.reach
    reason = not_installed("SciPy", "scipy", "scipy") or too_much_padding(
        case, "SciPy's ndimage.correlate", ((height - 1) // 2, (width - 1) // 2)
    )
    return Availability.no(reason) if reason else AVAILABLE


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Place the kernel by the padding: `origin` counts from the kernel's middle."""
    from scipy import ndimage

    height, width = case.reach
    options: dict[str, Any] = {"origin": (case.padding_height - height // 2, case.padding_width - width // 2)}
    if reuse:
        options["output"] = np.empty((case.height, case.width), case.dtype)

    def bind(plane: Any, kernel: Any) -> Call:
        return partial(ndimage.correlate, plane, kernel, mode="constant", cval=0.0, **options)

    return by_planes(case, image, weight, bias, bind, Place(0, 0, case.height, case.width), reuse=reuse)


CORRELATE = Implementation(
    name="scipy.ndimage_correlate",
    family="library",
    arrays="numpy",
    summary="SciPy: scipy.ndimage.correlate with a constant border",
    prepare=_prepare,
    available=_available,
    switches=(output_buffer(partial(_prepare, reuse=True)),),
    primary=False,
)
