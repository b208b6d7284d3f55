"""Numbers in words keep their value, and stay short."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.units import UNKNOWN, count, percent, ratio, seconds, significant, size

_SCALES = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
magnitudes = st.floats(min_value=1e-9, max_value=1e9)


def _parsed(text: str) -> float:
    mantissa, unit = text.split(" ")
    return float(mantissa.replace(",", "")) * _SCALES[unit]


@pytest.mark.parametrize(
    ("value", "text"),
    [(26.4e-6, "26.4 µs"), (0.0371, "37.1 ms"), (0.9996e-3, "1.00 ms"), (0.99949e-3, "999 µs"), (4.2e-7, "420 ns"),
     (4.2e-10, "0.420 ns"), (1234.0, "1,230 s"), (0.0, "0 s"), (math.nan, UNKNOWN), (-18e-6, "-18.0 µs")],
)  # fmt: skip
def test_seconds_choose_their_unit_after_rounding(value: float, text: str) -> None:
    assert seconds(value) == text


def test_the_other_words() -> None:
    assert seconds(18e-6, signed=True) == "+18.0 µs"
    assert [ratio(value) for value in (1420.3, 0.3104, 1.0, math.inf)] == ["1,420x", "0.310x", "1.00x", UNKNOWN]
    assert [count(value) for value in (80002.0, 1234567, 2.5, math.nan)] == ["80,002", "1,234,567", "2.50", UNKNOWN]
    assert [size(value) for value in (36, 1000, 80036, 64e6, math.nan)] == [
        "36 B",
        "1.00 kB",
        "80.0 kB",
        "64.0 MB",
        UNKNOWN,
    ]
    assert [percent(value) for value in (0.923, 0.0451, -0.02, 12.0, 0.0, -0.0001)] == [
        "92 %", "4.5 %", "-2.0 %", "1,200 %", "0 %", "0 %",
    ]  # fmt: skip


@given(magnitudes, st.sampled_from([1.0, -1.0]))
def test_seconds_keep_their_value_within_half_a_unit_of_the_third_digit(magnitude: float, sign: float) -> None:
    assert _parsed(seconds(sign * magnitude)) == pytest.approx(sign * magnitude, rel=5.001e-3)


@given(st.floats(min_value=1e-9, max_value=900.0))
def test_a_duration_shows_three_digits_and_no_more(value: float) -> None:
    mantissa = seconds(value).split(" ")[0]
    assert len(re.sub(r"[^0-9]", "", mantissa).lstrip("0")) == 3
    assert 1 <= float(mantissa) < 1000


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_bytes_keep_their_value(value: float) -> None:
    assert _parsed(size(value)) == pytest.approx(value, rel=5.001e-3)


@given(st.floats(min_value=-1e300, max_value=1e300) | st.sampled_from([math.nan, math.inf, -math.inf]))
def test_nothing_raises_and_no_exponent_is_shown(value: float) -> None:
    for text in (significant(value), seconds(value), size(value), ratio(value), count(value), percent(value)):
        assert "e" not in text
        assert text


@given(magnitudes, magnitudes)
def test_order_is_kept(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert _parsed(seconds(low)) <= _parsed(seconds(high)) * (1 + 1e-12)
