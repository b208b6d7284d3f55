"""Labels carry any name there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.labels import CallLabel, read_label, write_label


@given(st.text(), st.text(), st.integers(min_value=0))
def test_a_label_reads_back_as_it_was_written(implementation: str, case: str, call: int) -> None:
    label = CallLabel(implementation, case, call)
    assert read_label(write_label(label)) == label


def test_a_label_looks_as_documented() -> None:
    assert write_label(CallLabel("c.direct[-O3]", "ic1ih8oc1kh3", 2)) == "convprof|c.direct[-O3]|ic1ih8oc1kh3|2"
    assert write_label(CallLabel("a|b%", "c", 0)) == "convprof|a%7Cb%25|c|0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aten::mul",
        "convprof",
        "convprof|a|b",
        "convprof|a|b|x",
        "convprof|a|b|1|2",
        "convprof|a|b|²",
        "convprof|a|b|-1",
    ],
)
def test_other_texts_are_no_labels(text: str) -> None:
    assert read_label(text) is None
