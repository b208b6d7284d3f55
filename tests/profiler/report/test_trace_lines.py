"""The lines of the report that say where the traces are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from profiler.records import Captured, NsysCaptured
from profiler.report.traces import trace_list
from profiler.report.view import RunView

CASE = "ic1ih8oc1kh3"


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., list[str]]:
    """Give a function that lists the traces of a run with these records."""

    def listed(*records: Captured | NsysCaptured) -> list[str]:
        view = SimpleNamespace(
            manifest=SimpleNamespace(cases=[CASE]),
            run=SimpleNamespace(path=tmp_path),
            files=SimpleNamespace(records=records),
        )
        return trace_list(cast("RunView", view))

    return listed


def _nsys(name: str, **values: Any) -> NsysCaptured:
    usual = {"report": "traces/nsys.nsys-rep", "calls": 5, "ranges": 5}
    return NsysCaptured(implementation=name, case=CASE, device="cpu", threads=1, **{**usual, **values})


def test_a_report_of_nsight_is_linked_with_what_it_holds_and_what_opens_it(
    lines: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "nsys.nsys-rep").write_bytes(bytes(2048))
    failed = _nsys("mine:<b>", report="", calls=0, ranges=0, reason="killed | at once")
    assert lines(_nsys("a"), _nsys("b", ranges=4), failed) == [
        "Nsight Systems: [`nsys.nsys-rep`](traces/nsys.nsys-rep), 2.05 kB, 9 of 10 labelled calls in NVTX's domain "
        "`convprof`; open it with `nsys-ui traces/nsys.nsys-rep`, or have `convprof trace` read it",
        "`mine:<b>`: not in Nsight Systems: killed \\| at once",
    ]


def test_a_report_that_is_gone_is_said_to_be(lines: Callable[..., list[str]]) -> None:
    assert lines(_nsys("a")) == ["Nsight Systems: `nsys.nsys-rep` is not kept in this folder"]
