"""Words for numbers, at the edge: three significant digits, a unit by magnitude, thousands separators."""

from __future__ import annotations

import math

__all__ = ["UNKNOWN", "count", "percent", "ratio", "seconds", "significant", "size"]

UNKNOWN = "-"

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def significant(value: float, *, signed: bool = False) -> str:
    """Write a number with three significant digits and thousands separators; 0 stays 0, what is not finite unknown."""
    if not math.isfinite(value):
        return UNKNOWN
    rounded = _rounded(value)
    if rounded == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded)) + 1e-12))
    return f"{rounded:{'+' if signed else ''},.{decimals}f}"


def seconds(value: float, *, signed: bool = False) -> str:
    """Write a duration given in seconds, as `26.4 µs`."""
    return _with_unit(value, _SECONDS, signed=signed)


def size(value: float) -> str:
    """Write a number of bytes in powers of 1000, as `80.0 kB`; fewer than 1000 exactly."""
    if math.isfinite(value) and abs(value) < 1000 and value == int(value):
        return f"{int(value)} B"
    return _with_unit(value, _BYTES, signed=False)


def ratio(value: float) -> str:
    """Write a ratio, as `1,420x` or `0.310x`."""
    return UNKNOWN if not math.isfinite(value) else f"{significant(value)}x"


def count(value: float) -> str:
    """Write how many: a whole number exactly, as `80,002`, any other with three significant digits."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{int(value):,}" if value == int(value) else significant(value)


def percent(value: float, *, signed: bool = False) -> str:
    """Write a share given as a fraction in whole percent, below 10 % with one decimal."""
    if not math.isfinite(value):
        return UNKNOWN
    hundredths = value * 100
    decimals = 1 if abs(hundredths) < 9.95 else 0
    text = f"{hundredths:{'+' if signed else ''},.{decimals}f}"
    return f"{'0' if float(text.replace(',', '')) == 0 else text} %"


def _rounded(value: float) -> float:
    return float(f"{value:.2e}")


def _with_unit(value: float, units: tuple[tuple[float, str], ...], *, signed: bool) -> str:
    if not math.isfinite(value):
        return UNKNOWN
    rounded = _rounded(value)
    if rounded == 0:
        return f"0 {units[-1][1] if units is _BYTES else 's'}"
    # The unit is chosen after rounding, so that 0.9996 ms becomes 1.00 ms and not 1,000 µs.
    scale, name = next(((scale, name) for scale, name in units if abs(rounded) >= scale * (1 - 1e-9)), units[-1])
    return f"{significant(rounded / scale, signed=signed)} {name}"
