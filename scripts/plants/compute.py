"""Work in compiled code beyond what the case needs: a scalar -O0 build, and arithmetic on denormal numbers."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from plants.plant import Plant, Work

from impls.compiled.compiler import build

__all__ = ["DENORMAL", "UNOPTIMISED", "spinning"]

_SIZE = 256
_SOURCE = Path(__file__).with_name("compute.c")


def _compiled(flags: tuple[str, ...], value: float, amount: int) -> Work:
    function: Any = ctypes.CDLL(str(build(_SOURCE, flags, []))).compute
    function.argtypes = (ctypes.c_void_p, ctypes.c_long, ctypes.c_long)
    function.restype = None
    start = np.full(_SIZE, value, np.float32)
    values = start.copy()
    address = values.ctypes.data

    def work(_: object) -> object:
        values[:] = start  # repeated multiplication would end at 0
        function(address, _SIZE, amount)
        return values

    return work


def _unoptimised(amount: int) -> Work:
    return _compiled(("-O0",), 1.0, amount)


def spinning(amount: int) -> Work:
    """Keep a processor busy, for another thread to wait for."""
    return _compiled(("-O2",), 1.0, amount)


def _denormal(amount: int) -> Work:
    return _compiled(("-O2",), 1e-39, amount)


def _calling(_: int) -> Work:
    """Do all of it but the arithmetic: set the values, and go into compiled code and back."""
    return _compiled(("-O2",), 1.0, 0)


UNOPTIMISED = Plant(
    "unoptimised_code",
    _unoptimised,
    {"arithmetic": ((1, _unoptimised), (-1, _calling)), "dispatch": ((1, _calling),)},
    unit=20,
    beside=("interpreter", "traffic"),
)
DENORMAL = Plant(
    "denormals",
    _denormal,
    {"arithmetic": ((1, _denormal), (-1, _calling)), "dispatch": ((1, _calling),)},
    unit=5,
    beside=("interpreter", "traffic"),
)
