"""Evidence built by hand, with two replicates so that a reader can follow every figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impls.case import ConvCase
from profiler.attribution.ceilings import Ceilings
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Condition, Counts, Evidence, SwitchEffect, Timing, Unit
from profiler.attribution.shares import Shares
from profiler.tables.ceilings import CEILINGS

MakeEvidence = Callable[..., Evidence]
MakeEffect = Callable[..., SwitchEffect]

_LIMITS = (
    ("copy_bandwidth", 100_000, 10e9, 8e9, 12e9),
    ("copy_bandwidth", 10_000_000, 5e9, 4e9, 6e9),
    ("multiply_add_peak", 0, 100e9, 90e9, 110e9),
    ("page_fault", 0, 1e-6, 0.5e-6, 2e-6),
    ("instruction", 0, 10e-9, 5e-9, 20e-9),
    ("wait", 0, 20e-6, 10e-6, 30e-6),
)


def make_ceilings(threads: int = 1) -> pd.DataFrame:
    return CEILINGS.frame(
        {"name": name, "device": "cpu", "threads": threads, "working_set_bytes": working_set, "value": value,
         "low": low, "high": high, "processes": 3}
        for name, working_set, value, low, high in _LIMITS
    )  # fmt: skip


def timing(
    microseconds: float, spread: float = 0.0, faults: float = 0.0, off_cpu: float = 0.0, waits: float = math.nan
) -> Timing:
    value = microseconds * 1e-6
    return Timing(value, value * np.array([1 - spread, 1 + spread] * 50), faults, off_cpu * 1e-6, waits)


@pytest.fixture
def draws() -> Draws:
    return Draws(seed=1, replicates=100)


@pytest.fixture
def make_evidence() -> MakeEvidence:
    """Give a function that makes evidence: times in microseconds, counts as (ops, op_bytes, instructions)."""

    def make(**given: Any) -> Evidence:
        case = ConvCase.parse("ic1ih100oc1kh3ph1")
        units = given.get("units", ((20.0, (1, 8, 100)), (21.0, (1, 128, 100))))
        counts = given.get("counts", (1, 80_036, 100))

        def small(microseconds: float) -> Timing:
            return timing(microseconds, faults=given.get("unit_faults", 0.0), off_cpu=given.get("unit_off_cpu", 0.0))

        return Evidence(
            implementation=given.get("implementation", "some.code"),
            condition=Condition(case.name, "cpu", given.get("threads", 1)),
            case=case,
            processes=5,
            total=timing(given.get("total", 50.0), given.get("spread", 0.01), given.get("faults", 0.0),
                         given.get("off_cpu", 0.0), given.get("waits", math.nan)),
            counts=None if counts is None else Counts(*map(float, counts)),
            units=None if units is None else tuple(
                Unit(label, small(time), Counts(*map(float, each)))
                for label, (time, each) in zip(("1x1", "4x4"), units, strict=True)
            ),
            peak_bytes=given.get("peak_bytes", math.nan),
            scratch_bytes=given.get("scratch_bytes", math.nan),
            ceilings=Ceilings(given.get("ceilings", make_ceilings()), "cpu", given.get("threads", 1)),
            samples=None if "samples" not in given else Shares("case", given["samples"], given.get("leading", {})),
            small_samples=None if "small_samples" not in given else Shares("small", given["small_samples"], {}),
            serial_off_cpu=given.get("serial_off_cpu", math.nan) * 1e-6,
            switches={effect.name: effect for effect in given.get("switches", ())},
        )  # fmt: skip

    return make


@pytest.fixture
def make_effect() -> MakeEffect:
    """Give a function that makes the effect of a switch."""
    return _effect


def _effect(name: str, cause: str, saved: float, **given: Any) -> SwitchEffect:
    """Make what a switch saves of a call of 50 us, in microseconds, alike alone and among others."""
    replicates = saved * 1e-6 * np.array([0.99, 1.01] * 50)
    first, last = given.get("first", saved), given.get("last", saved)
    return SwitchEffect(
        name=name,
        cause=cause,
        summary=given.get("summary", "another way"),
        composable=True,
        seconds=saved * 1e-6,
        replicates=replicates,
        first_in=first * 1e-6,
        last_in=last * 1e-6,
        partner=given.get("partner", ""),
        interaction=given.get("interaction", 0.0) * 1e-6,
        flips=given.get("flips", False),
        switched=timing(50.0 - saved, faults=given.get("faults", 0.0)),
    )
