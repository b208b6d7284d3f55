"""What switches save, from the times of the combinations that were measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from profiler.attribution.effects import effects_of
from profiler.attribution.evidence import Timing
from profiler.records import Screened


def _tried(switch: str, **given: Any) -> Screened:
    return Screened(implementation="a", case="c", device="cpu", threads=1, switch=switch, cause="traffic",
                    summary="another way", scope="call", composable=given.get("composable", True),
                    kept=given.get("kept", True))  # fmt: skip


def _timings(**microseconds: float) -> dict[frozenset[str], Timing]:
    return {
        frozenset() if names == "as_is" else frozenset(names.split("_")): Timing(
            value * 1e-6, value * 1e-6 * np.array([0.999, 1.001] * 50), 0.0, 0.0
        )
        for names, value in microseconds.items()
    }


def test_composable_switches_share_what_they_save() -> None:
    timings = _timings(as_is=10.0, one=4.0, two=5.0, one_two=3.0)
    one, two = effects_of([_tried("one"), _tried("two")], timings)
    assert (one.seconds, one.first_in, one.last_in) == pytest.approx((4e-6, 6e-6, 2e-6))
    assert (one.partner, one.interaction) == ("two", pytest.approx(4e-6))
    assert two.seconds == pytest.approx(3e-6)
    assert not one.flips


def test_a_switch_that_costs_time_after_the_others_flips() -> None:
    timings = _timings(as_is=10.0, one=8.0, two=4.0, one_two=6.0)
    one, _ = effects_of([_tried("one"), _tried("two")], timings)
    assert one.flips


def test_of_a_chain_the_last_takes_part_and_the_others_stand_alone() -> None:
    timings = _timings(as_is=10.0, nograd=8.0, inference=7.0, padded=9.0, nograd_padded=7.0, inference_padded=6.0)
    found = {each.name: each for each in effects_of([_tried("nograd"), _tried("inference"), _tried("padded")], timings)}
    assert found["inference"].seconds == pytest.approx(3e-6)
    assert found["padded"].seconds == pytest.approx(1e-6)
    assert (found["nograd"].seconds, found["nograd"].partner) == (pytest.approx(2e-6), "")


def test_alternatives_stand_alone_and_what_was_not_measured_is_left_out() -> None:
    timings = _timings(as_is=10.0, direct=6.0)
    found = effects_of([_tried("direct", composable=False), _tried("gone"), _tried("weak", kept=False)], timings)
    assert [(each.name, each.seconds) for each in found] == [("direct", pytest.approx(4e-6))]
    assert effects_of([_tried("direct")], {}) == []
