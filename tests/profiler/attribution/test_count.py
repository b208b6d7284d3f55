"""Each estimator by count, and the bound, on figures that one can check by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from profiler.attribution.bound import floor
from profiler.attribution.count import allocation, dispatch, idle, interpreter, traffic
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Evidence, SwitchEffect
from profiler.attribution.fixed import fixed_cost
from profiler.tables.ceilings import CEILINGS

MakeEvidence = Callable[..., Evidence]
MakeEffect = Callable[..., SwitchEffect]

# 2 operators and 10 instructions a pixel of a 1x1 and a 4x4 output; 10,000 pixels in the case.
_LOOP = {
    "units": ((12.0, (4, 100, 110)), (42.0, (34, 1600, 260))),
    "counts": (20_002, 1_000_000, 100_100),
    "total": 21_000.0,
}


def test_the_fixed_cost_of_a_loop_grows_with_its_operators(make_evidence: MakeEvidence) -> None:
    fixed = fixed_cost(make_evidence(**_LOOP))
    assert fixed is not None
    assert fixed.driver == "operators"
    # 12 us, and 1 us for each of 19,998 more operators.
    assert fixed.seconds == pytest.approx(20_010e-6)
    assert "20,002 operators x 1.00 µs" in fixed.words


def test_the_fixed_cost_of_pure_python_grows_with_its_instructions(make_evidence: MakeEvidence) -> None:
    fixed = fixed_cost(make_evidence(units=((2.0, (0, 0, 100)), (3.5, (0, 0, 250))), counts=(0, 0, 100_100)))
    assert fixed is not None
    assert fixed.driver == "instructions"
    assert fixed.seconds == pytest.approx(2e-6 + 100_000 * 10e-9)


def test_the_fixed_cost_of_vectorised_code_is_that_of_the_smallest_input(make_evidence: MakeEvidence) -> None:
    fixed = fixed_cost(make_evidence())
    assert fixed is not None
    assert (fixed.driver, fixed.factor) == ("nothing", 0.0)
    assert fixed.seconds == pytest.approx(20e-6)


def test_noise_cannot_make_more_work_take_less_time(make_evidence: MakeEvidence) -> None:
    fixed = fixed_cost(make_evidence(**{**_LOOP, "units": ((12.0, (4, 100, 110)), (11.0, (34, 1600, 260)))}))
    assert fixed is not None
    assert fixed.seconds == 12e-6


@pytest.mark.parametrize("missing", [{"units": None}, {"counts": None}, {"counts": (math.nan, 0, math.nan)}])
def test_there_is_no_fixed_cost_without_units_or_counts(
    make_evidence: MakeEvidence, draws: Draws, missing: dict[str, object]
) -> None:
    assert fixed_cost(make_evidence(**missing)) is None
    assert interpreter(make_evidence(**missing), draws) is None
    assert dispatch(make_evidence(**missing), draws) is None


def test_interpreter_and_dispatch_share_the_fixed_cost(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = make_evidence(**_LOOP)
    python, operators = interpreter(evidence, draws), dispatch(evidence, draws)
    assert python is not None
    assert operators is not None
    assert python.seconds == pytest.approx(100_100 * 10e-9)
    assert python.seconds + operators.seconds == pytest.approx(20_010e-6)
    np.testing.assert_allclose(python.replicates + operators.replicates, 20_010e-6)
    assert {python.status, operators.status} == {"unconfirmed"}


def test_the_interpreter_takes_no_more_than_the_fixed_cost(make_evidence: MakeEvidence, draws: Draws) -> None:
    evidence = make_evidence(counts=(1, 80_036, 10_000), units=((20.0, (1, 8, 10_000)), (21.0, (1, 128, 10_000))))
    python = interpreter(evidence, draws)
    assert python is not None
    assert python.seconds == pytest.approx(20e-6)
    assert python.replicates.max() <= 20.001e-6
    assert "cut to" in python.evidence


@pytest.mark.parametrize(
    ("larger_us", "interpreter_us", "dispatch_us"),
    [
        (3.5, 1.0 + 1000.0, 1.0),  # 10 ns an instruction: within the calibrated range, all of it is the interpreter's
        (17.0, 1.0 + 2000.0, 1.0 + 8000.0),  # 100 ns: beyond the dearest calibrated, 20 ns, something else is called
    ],
)
def test_what_grows_with_instructions_alone_is_the_interpreter_s_as_far_as_instructions_cost_so_much(
    make_evidence: MakeEvidence, draws: Draws, larger_us: float, interpreter_us: float, dispatch_us: float
) -> None:
    evidence = make_evidence(units=((2.0, (0, 0, 100)), (larger_us, (0, 0, 250))), counts=(0, 0, 100_100))
    one, other = interpreter(evidence, draws), dispatch(evidence, draws)
    assert one is not None
    assert other is not None
    assert one.seconds == pytest.approx(interpreter_us * 1e-6)
    assert other.seconds == pytest.approx(dispatch_us * 1e-6)


def test_unit_costs_are_drawn_from_their_range_and_the_draw_is_shared(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    one, other = (interpreter(make_evidence(counts=(1, 80_036, count)), draws) for count in (100, 200))
    assert one is not None
    assert other is not None
    assert one.replicates.min() >= 100 * 5e-9
    assert one.replicates.max() <= 100 * 20e-9
    assert one.replicates.std() > 0
    np.testing.assert_allclose(other.replicates, 2 * one.replicates)


def test_what_the_gradient_switch_saves_is_no_dispatch(
    make_evidence: MakeEvidence, make_effect: MakeEffect, draws: Draws
) -> None:
    operators = dispatch(make_evidence(switches=[make_effect("inference_mode", "autograd", 4.0)]), draws)
    assert operators is not None
    assert operators.seconds == pytest.approx(20e-6 - 1e-6 - 4e-6)
    assert "autograd 4.00 µs" in operators.evidence


def test_a_wait_is_idle_and_not_dispatch(make_evidence: MakeEvidence, draws: Draws) -> None:
    # A sleep of 500 us in a call of 550 us, in the smallest inputs (520 us) as in the case.
    evidence = make_evidence(
        total=550.0, off_cpu=500.0, unit_off_cpu=500.0, units=((520.0, (1, 8, 100)), (521.0, (1, 128, 100)))
    )
    waiting, operators = idle(evidence, draws), dispatch(evidence, draws)
    assert waiting is not None
    assert operators is not None
    assert waiting.seconds == pytest.approx(500e-6)
    assert operators.seconds == pytest.approx(520e-6 - 100 * 10e-9 - 500e-6)
    assert "idle 500 µs" in operators.evidence


def test_what_two_clocks_cannot_tell_apart_is_no_wait(make_evidence: MakeEvidence, draws: Draws) -> None:
    within = idle(make_evidence(off_cpu=0.9), draws)  # of 50 us
    assert within is not None
    assert within.seconds == 0
    assert idle(make_evidence(off_cpu=math.nan), draws) is None


def test_with_several_threads_what_one_does_not_wait_is_waiting_for_threads(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    waiting = idle(make_evidence(off_cpu=20.0, threads=2, serial_off_cpu=5.0), draws)
    assert waiting is not None
    assert waiting.seconds == pytest.approx(5e-6)
    assert "5.00 µs with one thread" in waiting.evidence
    alone = idle(make_evidence(off_cpu=20.0, threads=2), draws)
    assert alone is not None
    assert alone.seconds == pytest.approx(20e-6)


def test_page_faults_are_allocation_and_not_dispatch(make_evidence: MakeEvidence, draws: Draws) -> None:
    # 12 faults of 1 us in a call of 50 us, in the smallest inputs (20 us) as in the case.
    evidence = make_evidence(faults=12.0, unit_faults=12.0)
    found, operators = allocation(evidence, draws), dispatch(evidence, draws)
    assert found is not None
    assert operators is not None
    assert found.seconds == pytest.approx(12e-6)
    assert "12 minor page faults" in found.evidence
    assert operators.seconds == pytest.approx(20e-6 - 100 * 10e-9 - 12e-6)
    assert allocation(make_evidence(faults=math.nan), draws) is None


def test_traffic_is_what_is_beyond_the_compulsory_bytes(make_evidence: MakeEvidence, draws: Draws) -> None:
    found = traffic(make_evidence(counts=(1, 1_080_044, 100), peak_bytes=10_000), draws)
    assert found is not None
    assert found.seconds == pytest.approx(1_000_000 / 10e9)
    spilled = traffic(make_evidence(counts=(1, 1_080_044, 100), peak_bytes=1_000_000), draws)
    assert spilled is not None
    assert spilled.seconds == pytest.approx(1_000_000 / 5e9)
    # Less than the compulsory bytes is seen where the work is done in code that no operator shows.
    assert traffic(make_evidence(counts=(1, 40_000, 100)), draws) is None


def test_scratch_inside_operators_is_written_and_read(make_evidence: MakeEvidence, draws: Draws) -> None:
    estimate = traffic(make_evidence(scratch_bytes=360_000.0), draws)
    assert estimate is not None
    # Nothing between operators beyond the compulsory bytes; 720 kB at the bandwidth of some 80 kB, 10 GB/s.
    assert estimate.seconds == pytest.approx(720_000 / 10e9)
    assert "360 kB scratch inside them" in estimate.evidence


def test_the_traffic_of_a_loop_is_not_counted_twice(make_evidence: MakeEvidence, draws: Draws) -> None:
    # 50 bytes an operator, on the case as on the smallest inputs: all of it is in the fixed cost.
    found = traffic(make_evidence(**{**_LOOP, "counts": (20_002, 1_000_000, 100_100)}), draws)
    assert found is not None
    assert found.seconds == 0


def test_the_floor_is_the_larger_bound_and_the_same_for_every_implementation(
    make_evidence: MakeEvidence, draws: Draws
) -> None:
    small, large = floor(make_evidence(), draws), floor(make_evidence(peak_bytes=5e6), draws)
    assert small is not None
    assert large is not None
    assert small.seconds == pytest.approx(80_036 / 10e9)
    assert large.seconds == small.seconds
    assert (small.method, small.status) == ("bound", "confirmed")


def test_a_floor_above_the_median_is_cut_and_not_confirmed(make_evidence: MakeEvidence, draws: Draws) -> None:
    found = floor(make_evidence(total=5.0), draws)
    assert found is not None
    assert found.seconds == pytest.approx(5e-6)
    assert found.status == "unconfirmed"


def test_without_ceilings_there_is_neither_floor_nor_unit_cost(make_evidence: MakeEvidence, draws: Draws) -> None:
    bare = make_evidence(ceilings=CEILINGS.frame([]), faults=3.0)
    assert [estimator(bare, draws) for estimator in (floor, traffic, allocation, interpreter)] == [None] * 4
    assert dispatch(bare, draws) is not None
