"""How long the steps of a cold start may take."""

from __future__ import annotations

from impls.compiled.compiler import COMPILE_LIMIT_S
from profiler.measure import cold
from profiler.measure.protocol import ColdJob


def test_a_slow_compiler_ends_with_its_own_error_before_it_counts_as_hung() -> None:
    job = ColdJob(process=1, seed=1, device="cpu", call_limit_s=0.1, attempts=[])
    assert cold._limit(cold._PREPARING, job) > 2 * COMPILE_LIMIT_S
    assert cold._limit(cold._FIRST_CALL, job) == 0.1
