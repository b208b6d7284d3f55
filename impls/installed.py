"""Whether torch is there to import, asked without importing it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability

__all__ = ["loaded_torch", "needs_torch"]


def needs_torch(_case: ConvCase) -> Availability:
    """Answer for an implementation that computes every case, once torch is installed."""
    if find_spec("torch") is None:
        return Availability.no("torch is not installed: pip install torch")
    return AVAILABLE


def loaded_torch() -> Any | None:
    """Give torch where this process has imported it, else None.

    What only torch can say of itself is left open where it is not loaded, so that planning and listing need not load
    it: a worker has, asks again before it prepares anything, and its answer stands in the run.
    """
    return sys.modules.get("torch")
