"""A budget has a row for every cause and sums to the median, whatever the evidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiler.attribution.budget import budget_of, budget_table_rows, check_sum
from profiler.attribution.causes import CAUSE_IDS
from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Evidence, SwitchEffect
from profiler.errors import TableError
from profiler.tables.budget import BUDGET

MakeEvidence = Callable[..., Evidence]
MakeEffect = Callable[..., SwitchEffect]
_CLASSES = (*CAUSE_IDS, "compute")
counts = st.tuples(st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**7))
times = st.floats(min_value=0.1, max_value=1e6)


@st.composite
def _given(draw: st.DrawFn) -> dict[str, Any]:
    """Draw evidence of which any part may be missing, nothing of it need make sense."""
    samples = draw(st.none() | st.dictionaries(st.sampled_from(_CLASSES), st.integers(0, 5000), min_size=1))
    return {
        "total": draw(times),
        "counts": draw(counts | st.none()),
        "units": draw(st.tuples(st.tuples(times, counts), st.tuples(times, counts)) | st.none()),
        "faults": draw(st.floats(min_value=0, max_value=1e5) | st.just(math.nan)),
        "off_cpu": draw(st.just(math.nan) | st.floats(min_value=0, max_value=1e5)),
        "threads": draw(st.integers(1, 2)),
        **({} if samples is None else {"samples": samples}),
    }


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=_given(), saved=st.none() | times)
def test_rows_come_in_order_and_sum_to_the_median(
    make_evidence: MakeEvidence, make_effect: MakeEffect, given_: dict[str, Any], saved: float | None
) -> None:
    given_["off_cpu"] = min(given_["off_cpu"], given_["total"])
    switches = [] if saved is None else [make_effect("inference_mode", "autograd", saved)]
    evidence = make_evidence(**given_, switches=switches)
    budget = budget_of(evidence, Draws(1, 100))
    assert tuple(row.cause for row in budget.rows) == CAUSE_IDS
    scale = max(abs(row.seconds) for row in budget.rows)
    assert math.fsum(row.seconds for row in budget.rows) == pytest.approx(budget.seconds, abs=1e-9 * scale)
    sums = np.sum([row.replicates for row in budget.rows], axis=0)
    np.testing.assert_allclose(sums, evidence.total.replicates, atol=1e-9 * max(1e-6, np.abs(sums).max(), scale) * 1e3)
    table = BUDGET.frame(budget_table_rows(budget))
    assert (table["ci_low_s"] <= table["seconds"]).all()
    assert (table["seconds"] <= table["ci_high_s"]).all()


def test_what_has_no_estimator_says_where_its_time_is(make_evidence: MakeEvidence, draws: Draws) -> None:
    budget = budget_of(make_evidence(), draws)
    silent = {row.cause: row for row in budget.rows if row.status == "not estimated"}
    assert set(silent) == {"autograd", "launch", "threads", "arithmetic"}
    assert all(row.method == "none" and row.seconds == 0 and row.evidence for row in silent.values())
    assert "threads, arithmetic" in budget.row("residual").evidence


def test_with_more_threads_the_fixed_cost_is_said_to_be_missing(make_evidence: MakeEvidence, draws: Draws) -> None:
    budget = budget_of(make_evidence(threads=2, units=None), draws)
    assert "1 thread only" in budget.row("dispatch").evidence


def test_rows_that_do_not_sum_are_an_error() -> None:
    check_sum("a budget", [1e-6, 2e-6], 3e-6)
    check_sum("a budget", [], 0.0)
    with pytest.raises(TableError, match=r"a budget sums to 2e-06 s instead of 3e-06 s"):
        check_sum("a budget", [2e-6], 3e-6)
    with pytest.raises(TableError):
        check_sum("a budget", [math.nan], 3e-6)
