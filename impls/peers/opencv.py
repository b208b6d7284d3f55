"""OpenCV's filter2D: one plane at a time, a border of zeros, its own threads."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.output import output_buffer
from impls.peers.extras import not_installed
from impls.peers.planes import Place, by_planes, too_much_padding
from impls.peers.threads import thread_count

__all__ = ["FILTER2D"]

# From this many elements on, filter2D goes through a DFT, in float64 for both dtypes: that rounds to float32 as a
# direct sum does, but to float64 worse. dftFilter2D in OpenCV's modules/imgproc/src/filter.dispatch.cpp.
_DFT_ELEMENTS_OF_FLOAT64 = 50


def _available(case: ConvCase) -> Availability:
    height, width = case.reach
    reason = not_installed("OpenCV", "opencv", "cv2") or too_much_padding(
        case, "OpenCV's filter2D", ((height - 1) // 2, (width - 1) // 2)
    )
    if not reason and case.dtype == "float64" and height * width >= _DFT_ELEMENTS_OF_FLOAT64:
        reason = (
            f"OpenCV filters float64 through a DFT, beyond the error bound of direct summation, from "
            f"{_DFT_ELEMENTS_OF_FLOAT64} kernel elements on, here {height * width}; use float32"
        )
    return Availability.no(reason) if reason else AVAILABLE


def _prepare(case: ConvCase, image: Any, weight: Any, bias: Any, *, reuse: bool = False) -> Call:
    """Set the number of OpenCV's threads, for the whole process, and place the kernel's anchor by the padding."""
    import cv2

    cv2.setNumThreads(thread_count())
    # A tuple for OpenCV is (x, y). It correlates, as torch does, and a constant border is 0.
    options: dict[str, Any] = {
        "anchor": (case.padding_width, case.padding_height),
        "borderType": cv2.BORDER_CONSTANT,
    }
    if reuse:
        options["dst"] = np.empty((case.height, case.width), case.dtype)

    def bind(plane: Any, kernel: Any) -> Call:
        return partial(cv2.filter2D, plane, -1, kernel, **options)

    return by_planes(case, image, weight, bias, bind, Place(0, 0, case.height, case.width), reuse=reuse)


FILTER2D = Implementation(
    name="opencv.filter2d",
    family="library",
    arrays="numpy",
    summary="OpenCV: cv2.filter2D with a constant border",
    prepare=_prepare,
    available=_available,
    switches=(output_buffer(partial(_prepare, reuse=True)),),
    primary=False,
)
