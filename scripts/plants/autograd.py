"""Operators whose gradients are prepared for: what they cost beyond the same under inference_mode is autograd's."""

from __future__ import annotations

import torch
from plants.dispatch import naming
from plants.plant import Plant, Work

__all__ = ["TRACKED"]


def _negations(amount: int, *, inference: bool) -> Work:
    with torch.inference_mode(mode=False):
        number = torch.ones(1, requires_grad=True)

    def work(_: object) -> object:
        with torch.inference_mode(mode=inference):
            for _index in range(amount):
                number.neg()
        return None

    return work


def _tracked(amount: int) -> Work:
    return _negations(amount, inference=False)


def _untracked(amount: int) -> Work:
    return _negations(amount, inference=True)


TRACKED = Plant(
    "tracked_negations",
    _tracked,
    {"autograd": ((1, _tracked), (-1, _untracked)), "dispatch": ((1, _untracked), (-1, naming))},
    unit=20,
    beside=("interpreter",),
)
