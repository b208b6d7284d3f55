"""Forecasts and what is suggested where a trace would be too large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.case import ConvCase
from profiler.capture.limits import MOST_EVENTS, MOST_OPERATORS, expected_events, extrapolated, smaller_case

CASE = ConvCase.parse("ic1ih100oc1kh3ph1")


@given(fixed=st.integers(0, 1000), each=st.integers(0, 50))
def test_a_count_that_is_linear_in_the_outputs_is_forecast_exactly(fixed: int, each: int) -> None:
    first, second = CASE.smallest
    counts = [fixed + each * case.outputs for case in (first, second, CASE)]
    assert extrapolated(CASE, (first, counts[0]), (second, counts[1])) == counts[2]


def test_two_inputs_of_one_size_forecast_nothing_but_themselves() -> None:
    first, _ = CASE.smallest
    assert extrapolated(CASE, (first, 7), (first, 7)) == 7


def test_the_most_operators_make_the_most_events() -> None:
    assert expected_events(MOST_OPERATORS) == MOST_EVENTS


@pytest.mark.parametrize("name", ["ic1ih1080iw1920oc1kh3ph1", "ic1ih400oc1kh3ph1", "mb2ic4ih300oc8kh5sh2"])
def test_the_smaller_case_fits(name: str) -> None:
    case = ConvCase.parse(name)
    operators = 11 * case.outputs
    smaller = smaller_case(case, operators)
    assert operators * smaller.outputs / case.outputs < MOST_OPERATORS
    assert smaller.outputs > 1
    assert (smaller.kernel_height, smaller.stride_height) == (case.kernel_height, case.stride_height)
