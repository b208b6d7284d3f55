"""Waits: a sleep, work or spinning in another thread that the call waits for, and work hidden behind a sleep.

Work that hides has a true cost of 0 beyond the sleep it hides behind.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from plants.compute import spinning
from plants.plant import Plant, Work

__all__ = ["EXPOSED", "HIDDEN", "SLEEP", "SPINNING", "sleep"]

_MICROSECOND = 1e-6


def sleep(amount: int) -> Work:
    """Sleep so many microseconds."""

    def work(_: object) -> object:
        time.sleep(amount * _MICROSECOND)
        return None

    return work


def _exposed(amount: int) -> Work:
    pool = ThreadPoolExecutor(1)

    def work(_: object) -> object:
        return pool.submit(time.sleep, amount * _MICROSECOND).result()

    return work


def _hidden(amount: int) -> Work:
    """Sleep, while another thread sleeps half as long."""
    pool = ThreadPoolExecutor(1)

    def work(_: object) -> object:
        task = pool.submit(time.sleep, amount * _MICROSECOND / 2)
        time.sleep(amount * _MICROSECOND)
        return task.result()

    return work


def _spinning(amount: int) -> Work:
    """Wait while another thread keeps the one processor busy, in compiled code that holds no lock."""
    pool, spin = ThreadPoolExecutor(1), spinning(amount)

    def work(image: object) -> object:
        return pool.submit(spin, image).result()

    return work


SLEEP = Plant("sleep", sleep, {"idle": ((1, sleep),)}, unit=100, smallest_s=200e-6)
EXPOSED = Plant("exposed_thread", _exposed, {"idle": ((1, _exposed),)}, unit=200, smallest_s=500e-6)
HIDDEN = Plant("hidden_thread", _hidden, {"idle": ((1, sleep),)}, unit=200, smallest_s=1e-3)
SPINNING = Plant("spinning_thread", _spinning, {"idle": ((1, _spinning),)}, unit=20, smallest_s=1e-3)
