"""Two causes at once: each part's truth is that part alone."""

from __future__ import annotations

from plants.allocation import mapped, mapped_once
from plants.copies import clones, clones_of_nothing
from plants.dispatch import TORCH_NEGATIONS, negations
from plants.interpreter import numbers
from plants.plant import Make, Plant, Work
from plants.waiting import sleep

__all__ = ["COPIES_AND_NUMBERS", "NEGATIONS_AND_SLEEP", "NUMBERS_AND_PAGES"]


def _scaled(make: Make, factor: float) -> Make:
    def scaled(amount: int) -> Work:
        return make(max(1, round(factor * amount)))

    return scaled


def _both(one: Make, other: Make) -> Make:
    def make(amount: int) -> Work:
        first, second = one(amount), other(amount)

        def work(image: object) -> object:
            first(image)
            return second(image)

        return work

    return make


# An amount of 1 takes about a microsecond of each.
_numbers, _pages, _fewer_negations = _scaled(numbers, 20), _scaled(mapped, 2), _scaled(negations, 1.5)
_kept_pages, _sleep = _scaled(mapped_once, 2), _scaled(sleep, 1)
_copies, _no_copies = _scaled(clones, 0.1), _scaled(clones_of_nothing, 0.1)
_negating = TORCH_NEGATIONS.truth["dispatch"]

NUMBERS_AND_PAGES = Plant(
    "numbers_and_pages",
    _both(_numbers, _pages),
    {"interpreter": ((1, _numbers),), "allocation": ((1, _pages), (-1, _kept_pages))},
    unit=50,
    smallest_s=500e-6,
)
NEGATIONS_AND_SLEEP = Plant(
    "negations_and_sleep",
    _both(_fewer_negations, _sleep),
    {"dispatch": tuple((sign, _scaled(make, 1.5)) for sign, make in _negating), "idle": ((1, _sleep),)},
    unit=100,
    smallest_s=300e-6,
)
COPIES_AND_NUMBERS = Plant(
    "copies_and_numbers",
    _both(_copies, _numbers),
    {"traffic": ((1, _copies), (-1, _no_copies)), "interpreter": ((1, _numbers),)},
    unit=30,
    smallest_s=100e-6,
    cases="512",
)
