"""Runs an implementation until its time no longer changes, and settles how many calls make a block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from profiler.measure.blocks import LEAST_BLOCK_S, Block, calls_for
from profiler.measure.statistics import is_level

__all__ = ["WarmUp", "warm_up"]

# Georges et al. (2007, see `is_level`) look at some ten iterations and allow 2 %; a slow implementation gets fewer, or
# it would spend its whole time warming up, and is judged again on its rounds.
_MOST_BLOCKS = 10
_TOLERANCE = 0.02
_WINDOW_S = 0.1


@dataclass(frozen=True)
class WarmUp:
    """Hold the blocks run before the steady state, the calls a block settled on, and whether it was reached."""

    blocks: tuple[Block, ...]
    calls: int
    level: bool

    @property
    def block_s(self) -> float:
        """Give the time a block takes, from the last few."""
        return median(block.seconds_per_call for block in self.blocks[-3:]) * self.calls


def warm_up(measure: Callable[[int], Block], limit_s: float, least_s: float = LEAST_BLOCK_S) -> WarmUp:
    """Measure blocks until the last of them are level (see `is_level`), or until they have taken `limit_s` seconds.

    `measure(calls)` times one block. The first call stands alone: it may be a thousand times slower than the next. A
    slow implementation gets three calls even past the limit, but not past ten times the limit. `least_s` is how long a
    block lasts at least.
    """
    blocks = [measure(1)]
    calls = calls_for(blocks[0].seconds_per_call, least_s)
    since = 1
    while not _is_warm(blocks[since:], blocks[-1].seconds_per_call * calls):
        spent = sum(block.seconds for block in blocks)
        if spent >= limit_s and (len(blocks) >= 3 or spent >= 10 * limit_s):
            return WarmUp(tuple(blocks), calls, level=False)
        blocks.append(measure(calls))
        wanted = calls_for(blocks[-1].seconds_per_call, least_s)
        if blocks[-1].seconds < least_s and wanted > calls:
            calls, since = wanted, len(blocks)
    return WarmUp(tuple(blocks), calls, level=True)


def _is_warm(blocks: list[Block], block_s: float) -> bool:
    window = _window(block_s)
    return len(blocks) >= window and is_level([block.seconds_per_call for block in blocks[-window:]], _TOLERANCE)


def _window(block_s: float) -> int:
    """Give how many blocks must be level: as many as take a tenth of a second, but 2 at least."""
    return min(_MOST_BLOCKS, max(2, int(_WINDOW_S / max(block_s, 1e-9))))
