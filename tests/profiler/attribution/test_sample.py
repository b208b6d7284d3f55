"""Estimators by sample: shares of CPU samples times the unprofiled median, on figures that one can check by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from profiler.attribution import sample, work
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimator
from profiler.attribution.evidence import Evidence
from profiler.attribution.shares import Shares

MakeEvidence = Callable[..., Evidence]

# 50 us a call: 10 us of bytecode, 15 us of dispatch, 20 us in kernels, 5 us in copies.
_SAMPLES = {"interpreter": 800, "dispatch": 1200, "compute": 1600, "traffic": 400}


@pytest.mark.parametrize(
    ("estimator", "cause", "microseconds"),
    [(sample.interpreter, "interpreter", 10.0), (sample.dispatch, "dispatch", 15.0), (sample.autograd, "autograd", 0.0),
     (sample.allocation, "allocation", 0.0), (sample.threads, "threads", 0.0)],
)  # fmt: skip
def test_a_cause_has_its_share_of_the_median(
    make_evidence: MakeEvidence, draws: Draws, estimator: Estimator, cause: str, microseconds: float
) -> None:
    found = estimator(make_evidence(samples=_SAMPLES), draws)
    assert found is not None
    assert (found.cause, found.method, found.status) == (cause, "sample", "unconfirmed")
    assert found.seconds == pytest.approx(microseconds * 1e-6)
    assert float(found.replicates.mean()) == pytest.approx(found.seconds, rel=0.05, abs=1e-8)


def test_without_samples_or_with_a_few_nothing_is_told(make_evidence: MakeEvidence, draws: Draws) -> None:
    for evidence in (make_evidence(), make_evidence(samples={"interpreter": 20})):
        assert sample.interpreter(evidence, draws) is None


def test_what_is_waited_is_not_shared_out(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = make_evidence(total=550.0, off_cpu=500.0, samples=_SAMPLES, units=None)
    python, waiting = sample.interpreter(evidence, draws), sample.idle(evidence, draws)
    assert python is not None
    assert waiting is not None
    assert python.seconds == pytest.approx(10e-6)
    assert waiting.seconds == pytest.approx(500e-6)


def test_the_same_steps_on_a_smallest_input_say_more_than_a_long_call(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    # 0.2 % of 10 ms are 20 us, known to a third; on the smallest input, 20 us long, 90 % are 18 us, known to 1 %.
    long = {"total": 10_000.0, "samples": {"interpreter": 8, "compute": 3992}}
    found = sample.interpreter(make_evidence(**long, small_samples={"interpreter": 1800, "dispatch": 200}), draws)
    assert found is not None
    assert found.seconds == pytest.approx(18e-6, rel=0.02)
    assert np.std(found.replicates) < 2e-6
    assert "on a 1x1 output, with the same steps, 90 % of 2,000 CPU samples" in found.evidence


def test_a_smallest_input_that_some_processes_lack_is_not_asked(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = make_evidence(samples=_SAMPLES, small_samples={"interpreter": 1000})
    assert evidence.units is not None
    evidence.units[0].timing.replicates[::3] = np.nan
    found = sample.interpreter(evidence, draws)
    alone = sample.interpreter(make_evidence(samples=_SAMPLES), draws)
    assert found is not None
    assert alone is not None
    assert found.seconds == alone.seconds


def test_a_smallest_input_that_does_something_else_is_not_asked(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = make_evidence(samples=_SAMPLES, small_samples={"interpreter": 1000})
    found = sample.interpreter(evidence, draws)
    assert found is not None
    assert found.seconds == pytest.approx(10e-6)
    grows = make_evidence(samples=_SAMPLES, small_samples={"interpreter": 1000}, counts=(500, 80_036, 100),
                          units=((20.0, (1, 8, 100)), (21.0, (4, 128, 100))))  # fmt: skip
    found = sample.interpreter(grows, draws)
    assert found is not None
    assert "1x1" not in found.evidence


def test_threads_are_waited_for_with_several_only(make_evidence: MakeEvidence, draws: Draws) -> None:
    samples = {"threads": 1000, "compute": 1000}
    found = sample.threads(make_evidence(samples=samples, threads=2, off_cpu=30.0, serial_off_cpu=0.0), draws)
    assert found is not None
    # Half of the 20 us on a processor, and the 30 us on none.
    assert found.seconds == pytest.approx(40e-6)
    alone = sample.threads(make_evidence(samples=samples, off_cpu=30.0, serial_off_cpu=30.0), draws)
    assert alone is not None
    assert alone.seconds == pytest.approx(10e-6)


def test_kernels_are_split_over_floor_traffic_and_arithmetic(make_evidence: MakeEvidence, draws: Draws) -> None:
    # Floor 80,036 bytes at 10 GB/s: 8.0 us. 100,000 bytes beyond the compulsory: 10 us; 5 us are copies.
    evidence = make_evidence(samples=_SAMPLES, counts=(1, 180_044, 100))
    moved, computed = work.traffic(evidence, draws), work.arithmetic(evidence, draws)
    assert moved is not None
    assert computed is not None
    assert moved.seconds == pytest.approx(5e-6 + 10e-6)
    assert computed.seconds == pytest.approx(20e-6 - 8.0036e-6 - 10e-6)


def test_modelled_bytes_take_no_more_than_there_is_time_in_kernels(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = make_evidence(samples=_SAMPLES, counts=(1, 9_080_044, 100))
    moved, computed = work.traffic(evidence, draws), work.arithmetic(evidence, draws)
    assert moved is not None
    assert computed is not None
    assert moved.seconds == pytest.approx(5e-6 + 20e-6 - 8.0036e-6)
    assert computed.seconds == 0


def test_copies_in_code_that_no_operator_shows_are_traffic_all_the_same(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    moved = work.traffic(make_evidence(samples=_SAMPLES, counts=(1, 40_000, 100)), draws)
    assert moved is not None
    assert moved.seconds == pytest.approx(5e-6)


def test_shares_are_drawn_together_and_the_same_each_time() -> None:
    shares = Shares("one", {"interpreter": 30, "dispatch": 70}, {})
    parts = [shares.replicates(cause, 1, 500) for cause in ("interpreter", "dispatch")]
    np.testing.assert_allclose(parts[0] + parts[1], 1.0)
    np.testing.assert_array_equal(parts[0], shares.replicates("interpreter", 1, 500))
    assert not np.array_equal(parts[0], Shares("other", shares.counts, {}).replicates("interpreter", 1, 500))
    assert shares.replicates("autograd", 1, 3).tolist() == [0.0, 0.0, 0.0]
    assert Shares("none", {}, {}).share("interpreter") == 0.0
    assert Shares("one", {"allocation": 60, "dispatch": 30, "traffic": 10}, {}).without("allocation").counts == {
        "dispatch": 30,
        "traffic": 10,
    }


@pytest.mark.parametrize(
    ("samples", "waits", "expected"),
    [
        ({"idle": 400, "compute": 1600}, float("nan"), 510.0),  # a fifth of the 50 us on a processor
        (None, 1.0, 520.0),  # one wait of 20 us
        ({"idle": 0, "compute": 2000}, 0.0, 500.0),
    ],
)
def test_entering_and_leaving_waits_is_idle_too(
    make_evidence: MakeEvidence, draws: Draws, samples: dict[str, float] | None, waits: float, expected: float
) -> None:
    given = {} if samples is None else {"samples": samples}
    found = sample.idle(make_evidence(total=550.0, off_cpu=500.0, waits=waits, **given), draws)
    assert found is not None
    assert found.seconds == pytest.approx(expected * 1e-6)
    assert found.status == "confirmed"


def test_what_waits_cost_lies_between_samples_and_counts(make_evidence: MakeEvidence, draws: Draws) -> None:
    samples = {"idle": 400, "compute": 1600}
    found = sample.idle(make_evidence(total=550.0, off_cpu=500.0, waits=1.0, samples=samples), draws)
    assert found is not None
    assert found.seconds == pytest.approx(515e-6)
    assert found.replicates.min() < 512e-6
    assert found.replicates.max() > 518e-6
    assert "entering and leaving waits: 20 % of 2,000 CPU samples; 1 wait x" in found.evidence


def test_with_several_threads_what_waits_cost_is_not_idle(make_evidence: MakeEvidence, draws: Draws) -> None:
    found = sample.idle(make_evidence(total=550.0, off_cpu=500.0, waits=1.0, threads=2, serial_off_cpu=500.0), draws)
    assert found is not None
    assert found.seconds == pytest.approx(500e-6)
