"""The switch that pads the image beforehand: the call then has no border to make."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Call, Prepare, Switch

__all__ = ["PADDED_BEFOREHAND"]


def _padded(prepare: Prepare) -> Prepare:
    def prepared(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
        height, width = case.padding_height, case.padding_width
        larger = dataclasses.replace(
            case,
            height=case.height + 2 * height,
            width=case.width + 2 * width,
            padding_height=0,
            padding_width=0,
        )
        borders = ((0, 0), (0, 0), (height, height), (width, width))
        if isinstance(image, np.ndarray):
            return prepare(larger, np.pad(image, borders), weight, bias)
        from torch.nn import functional

        return prepare(larger, functional.pad(image, (width, width, height, height)), weight, bias)

    return prepared


def _has_padding(case: ConvCase) -> Availability:
    if case.padding_height or case.padding_width:
        return AVAILABLE
    return Availability.no("the case has no padding")


PADDED_BEFOREHAND = Switch(
    name="padded_beforehand",
    cause="traffic",
    summary="the image is padded before the call, which then computes without padding",
    wrap=_padded,
    available=_has_padding,
)
