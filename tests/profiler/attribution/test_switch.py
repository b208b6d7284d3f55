"""Estimators by switch, and the choice among estimates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate
from profiler.attribution.evidence import Evidence, SwitchEffect
from profiler.attribution.judgement import best
from profiler.attribution.switch import allocation, autograd

MakeEvidence = Callable[..., Evidence]
MakeEffect = Callable[..., SwitchEffect]


def test_autograd_is_what_inference_mode_saves(
    make_evidence: MakeEvidence, make_effect: MakeEffect, draws: Draws
) -> None:
    found = autograd(make_evidence(switches=[make_effect("inference_mode", "autograd", 4.0)]), draws)
    assert found is not None
    assert found.seconds == pytest.approx(4e-6)
    assert (found.method, found.status) == ("switch", "confirmed")
    assert found.evidence == "50.0 µs as it is, 46.0 µs with inference_mode (another way)"
    assert autograd(make_evidence(), draws) is None


def test_allocation_is_what_recycled_memory_saves_where_its_faults_vanish(
    make_evidence: MakeEvidence, make_effect: MakeEffect, draws: Draws
) -> None:
    switched = make_effect("recycled_memory", "allocation", 30.0, faults=1.0)
    found = allocation(make_evidence(faults=16.0, switches=[switched]), draws)
    assert found is not None
    assert found.seconds == pytest.approx(30e-6)
    assert found.evidence.startswith("16 minor page faults per call, 1 with recycled_memory: 50.0 µs as it is")


def test_a_switch_that_does_not_reach_the_faults_says_nothing(
    make_evidence: MakeEvidence, make_effect: MakeEffect, draws: Draws
) -> None:
    out_of_reach = make_effect("recycled_memory", "allocation", 0.1, faults=15.0)
    assert allocation(make_evidence(faults=16.0, switches=[out_of_reach]), draws) is None
    assert allocation(make_evidence(faults=16.0), draws) is None


def test_interactions_are_told(make_evidence: MakeEvidence, make_effect: MakeEffect, draws: Draws) -> None:
    effect = make_effect("inference_mode", "autograd", 4.0, first=6.0, last=2.0, partner="functional", interaction=4.0)
    found = autograd(make_evidence(switches=[effect]), draws)
    assert found is not None
    assert found.interaction == pytest.approx(4e-6)
    assert "6.00 µs saved alone, 2.00 µs after all other switches" in found.evidence


def _estimate(microseconds: float, spread: float, method: str = "sample") -> Estimate:
    replicates = microseconds * 1e-6 * np.linspace(1 - spread, 1 + spread, 100)
    return Estimate("dispatch", microseconds * 1e-6, replicates, method, "unconfirmed", f"by {method}")  # type: ignore[arg-type]


def test_an_estimate_that_another_one_confirms_is_confirmed() -> None:
    found = best([_estimate(10.0, 0.1), _estimate(10.5, 0.1, "count")], [], 5)
    assert (found.seconds, found.status) == (pytest.approx(10e-6), "confirmed")
    assert found.evidence == "by sample; by count 10.5 µs"


def test_where_a_switch_and_samples_disagree_the_interval_holds_both() -> None:
    found = best([_estimate(10.0, 0.1, "switch"), _estimate(20.0, 0.1)], [], 5)
    assert (found.seconds, found.status) == (pytest.approx(10e-6), "unconfirmed")
    assert found.replicates.min() < 10e-6
    assert found.replicates.max() > 18e-6


def test_a_lone_estimate_is_confirmed_by_a_switch_that_saves_as_much(make_effect: MakeEffect) -> None:
    assert best([_estimate(10.0, 0.1)], [], 5).status == "unconfirmed"
    saved = best([_estimate(10.0, 0.1)], [make_effect("without_onednn", "dispatch", 9.0)], 5)
    assert saved.status == "confirmed"
    assert saved.evidence == "by sample; without_onednn saves 9.00 µs"
    assert best([_estimate(10.0, 0.1)], [make_effect("without_onednn", "dispatch", 1.0)], 5).status == "unconfirmed"
