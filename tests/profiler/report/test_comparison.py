"""Words for ratios are conservative."""

from __future__ import annotations

import math

import pytest

from profiler.report.comparison import Word, compare


@pytest.mark.parametrize(
    ("ratio", "low", "high", "floor", "word"),
    [
        (2.0, 1.9, 2.1, 0.01, "slower"),
        (0.5, 0.45, 0.55, 0.01, "faster"),
        (1.0, 0.98, 1.02, 0.01, "same"),
        (1.03, 1.01, 1.05, 0.02, "same"),
        (1.03, 1.01, 1.05, 0.01, "slower"),
        (1.2, 1.1, 1.3, 0.15, "unclear"),
        (1.1, 0.9, 1.3, 0.01, "unclear"),
        (2.0, math.nan, math.nan, 0.01, "unclear"),
        (2.0, 1.9, 2.1, math.nan, "slower"),
    ],
)
def test_words(ratio: float, low: float, high: float, floor: float, word: Word) -> None:
    assert compare(ratio, low, high, floor) == word
