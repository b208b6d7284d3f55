"""Interpreter work of three kinds: numbers, objects, and calls. All of it is the interpreter's, the loops included."""

from __future__ import annotations

import json
from collections.abc import Iterator

from plants.plant import Plant, Work

__all__ = ["CALLS", "NUMBERS", "OBJECTS", "numbers"]


class _Point:
    def __init__(self, x: int) -> None:
        self.x = x

    def moved(self) -> int:
        self.x += 1
        return self.x


def numbers(amount: int) -> Work:
    """Add and mask small integers."""

    def work(_: object) -> object:
        total = 0
        for index in range(amount):
            total = (total + index * 3) & 1023
        return total

    return work


def _objects(amount: int) -> Work:
    """Fill a dictionary, format and split strings, make instances."""

    def work(_: object) -> object:
        seen: dict[str, int] = {}
        for index in range(amount):
            key, _, rest = f"{index & 63}-{index}".partition("-")
            seen[key] = _Point(len(rest)).moved()
        return seen

    return work


def _calls(amount: int) -> Work:
    """Run a generator through a closure, and write and read JSON now and then."""

    def doubled(values: Iterator[int]) -> Iterator[int]:
        return (2 * value for value in values)

    def work(_: object) -> object:
        total = 0
        for value in doubled(iter(range(amount))):
            total += value
            if value % 64 == 0:
                total += len(json.loads(json.dumps({"value": [value, 1.5, "x"]})))
        return total

    return work


NUMBERS = Plant("numbers", numbers, {"interpreter": ((1, numbers),)}, unit=200)
OBJECTS = Plant("objects", _objects, {"interpreter": ((1, _objects),)}, unit=20)
CALLS = Plant("calls", _calls, {"interpreter": ((1, _calls),)}, unit=200)
