"""Operators that do next to nothing: their cost is the framework's, that of the bytecode around them the interpreter's.

The bytecode is timed as a loop that names what the call names and does nothing with it.
"""

from __future__ import annotations

import numpy as np
import torch
from plants.plant import Plant, Work

__all__ = ["NUMPY_ADDS", "TORCH_NEGATIONS", "TORCH_VIEWS", "naming", "negations"]


def naming(amount: int) -> Work:
    """Name one tensor."""
    number = torch.ones(1)

    def work(_: object) -> object:
        for _index in range(amount):
            number  # noqa: B018 - loaded and dropped, as before a call
        return None

    return work


def _naming_arrays(amount: int) -> Work:
    number, result, add = np.ones(1, np.float32), np.empty(1, np.float32), np.add

    def work(_: object) -> object:
        for _index in range(amount):
            add  # noqa: B018
            number  # noqa: B018
            number  # noqa: B018
            result  # noqa: B018
        return None

    return work


def negations(amount: int) -> Work:
    """Negate one number, as a tensor."""
    number = torch.ones(1)

    def work(_: object) -> object:
        for _index in range(amount):
            number.neg()
        return None

    return work


def _views(amount: int) -> Work:
    number = torch.ones(1)

    def work(_: object) -> object:
        for _index in range(amount):
            number.view(1)
        return None

    return work


def _adds(amount: int) -> Work:
    number, result, add = np.ones(1, np.float32), np.empty(1, np.float32), np.add

    def work(_: object) -> object:
        for _index in range(amount):
            add(number, number, result)
        return None

    return work


# The instruction that calls is the interpreter's, and cannot be timed without what it calls.
_CALLING = ("interpreter",)
TORCH_NEGATIONS = Plant(
    "torch_negations", negations, {"dispatch": ((1, negations), (-1, naming))}, unit=20, beside=_CALLING
)
TORCH_VIEWS = Plant("torch_views", _views, {"dispatch": ((1, _views), (-1, naming))}, unit=20, beside=_CALLING)
NUMPY_ADDS = Plant("numpy_adds", _adds, {"dispatch": ((1, _adds), (-1, _naming_arrays))}, unit=20, beside=_CALLING)
