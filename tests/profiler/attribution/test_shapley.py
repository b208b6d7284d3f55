"""Shapley values of times that one can add up by hand, and of any times."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.attribution.evidence import Floats
from profiler.attribution.shapley import contributions, interaction


def _subsets(names: Iterable[str]) -> list[frozenset[str]]:
    listed = list(names)
    return [frozenset(each) for each in chain.from_iterable(combinations(listed, k) for k in range(len(listed) + 1))]


def _times(**seconds: float) -> dict[frozenset[str], Floats]:
    return {frozenset(name.replace("none", "")): np.array([value]) for name, value in seconds.items()}


def test_switches_that_do_not_interact_save_the_same_in_any_order() -> None:
    times = _times(none=10.0, a=7.0, b=8.0, ab=5.0)
    found = contributions(times, ["a", "b"])
    assert [float(part[0]) for part in (found["a"].shapley, found["a"].first_in, found["a"].last_in)] == [3.0, 3.0, 3.0]
    assert float(found["b"].shapley[0]) == 2.0
    assert float(interaction(times, "a", "b")[0]) == 0.0


def test_what_two_switches_save_twice_is_shared_between_them() -> None:
    times = _times(none=10.0, a=4.0, b=5.0, ab=3.0)
    found = contributions(times, ["a", "b"])
    assert (float(found["a"].first_in[0]), float(found["a"].last_in[0])) == (6.0, 2.0)
    assert float(found["a"].shapley[0]) == 4.0
    assert float(interaction(times, "a", "b")[0]) == -4.0


def test_three_switches_by_hand() -> None:
    # Only all three together save anything: each has a third of it.
    times = {subset: np.array([9.0]) for subset in _subsets("abc")} | {frozenset("abc"): np.array([0.0])}
    assert [float(each.shapley[0]) for each in contributions(times, list("abc")).values()] == pytest.approx([3.0] * 3)


def test_a_missing_combination_is_an_error() -> None:
    with pytest.raises(KeyError):
        contributions(_times(none=10.0, a=4.0, b=5.0), ["a", "b"])


@given(st.integers(0, 5), st.data())
def test_the_values_sum_to_what_all_switches_save(count: int, data: st.DataObject) -> None:
    names = list("abcde"[:count])
    seconds = st.floats(min_value=0, max_value=1e3)
    times = {subset: np.array([data.draw(seconds), data.draw(seconds)]) for subset in _subsets(names)}
    found = contributions(times, names)
    saved = times[frozenset()] - times[frozenset(names)]
    summed = np.sum([each.shapley for each in found.values()], axis=0) if found else np.zeros(2)
    np.testing.assert_allclose(summed, saved, atol=1e-9)
