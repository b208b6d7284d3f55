"""Whether torch is there to import, asked without importing it."""

from __future__ import annotations

from importlib.util import find_spec

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability

__all__ = ["needs_torch"]


def needs_torch(_case: ConvCase) -> Availability:
    """Answer for an implementation that computes every case, once torch is installed."""
    if find_spec("torch") is None:
        return Availability.no("torch is not installed: pip install torch")
    return AVAILABLE
