"""Operators whose gradients are prepared for: what that adds to the same operators untracked is autograd's."""

from __future__ import annotations

import torch
from plants.dispatch import naming
from plants.plant import Plant, Work

__all__ = ["TRACKED"]


def _negations(amount: int, *, tracked: bool) -> Work:
    with torch.inference_mode(mode=False):
        number = torch.ones(1, requires_grad=tracked)

    def work(_: object) -> object:
        with torch.inference_mode(mode=False):
            for _index in range(amount):
                number.neg()
        return None

    return work


def _tracked(amount: int) -> Work:
    return _negations(amount, tracked=True)


def _untracked(amount: int) -> Work:
    return _negations(amount, tracked=False)


TRACKED = Plant(
    "tracked_negations",
    _tracked,
    {"autograd": ((1, _tracked), (-1, _untracked)), "dispatch": ((1, _untracked), (-1, naming))},
    unit=20,
)
