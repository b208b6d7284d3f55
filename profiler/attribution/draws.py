"""Random draws that all implementations of a run share, for what is known only within a range."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["REPLICATES", "Draws"]

REPLICATES = 2000


class Draws:
    """Give, for each unit cost, one vector of positions in its range (0 to 1).

    The vector depends on the run's seed and the cost's name alone, so an error of a unit cost is the same in each
    replicate on both sides of a gap, and cancels there as far as both rest on it.
    """

    def __init__(self, seed: int, replicates: int = REPLICATES) -> None:
        self.replicates = replicates
        self.seed = seed
        self._positions: dict[str, NDArray[np.float64]] = {}

    def positions(self, name: str) -> NDArray[np.float64]:
        """Give the positions of one unit cost; shape (replicates,)."""
        if name not in self._positions:
            generator = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
            self._positions[name] = generator.random(self.replicates)
        return self._positions[name]
