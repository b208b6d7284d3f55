"""What a way from Python into compiled code is given, and what it is."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from impls.contract import AVAILABLE, Availability, Call

__all__ = ["Entry", "Outputs", "Way", "needs"]


@dataclass(frozen=True)
class Entry:
    """Hold a compiled function as ctypes sees it, and its problem, a structure that keeps alive what it points to."""

    function: Any
    problem: Any

    @property
    def addresses(self) -> tuple[int, int]:
        """Give where the function and its problem are; they keep nothing alive."""
        return ctypes.cast(self.function, ctypes.c_void_p).value or 0, ctypes.addressof(self.problem)


@dataclass(frozen=True)
class Outputs:
    """Say where results go: `fresh` makes an array for every call, `kept` is one for all calls or None."""

    fresh: Callable[[], Any]
    kept: Any = None


@dataclass(frozen=True)
class Way:
    """Name a way into compiled code, and say whether it is open here."""

    name: str
    summary: str
    bind: Callable[[Entry, Outputs], Call]
    available: Callable[[], Availability]


def needs(package: str, remedy: str) -> Callable[[], Availability]:
    """Make the question whether a package is installed, asked without importing it."""

    def available() -> Availability:
        if find_spec(package) is None:
            return Availability.no(f"{package} is not installed: pip install {remedy}")
        return AVAILABLE

    return available
