"""What the report says of the inside of the library: one sentence, from rows, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pandas as pd
from markdown_it import MarkdownIt

from profiler.attribution.run import attribute
from profiler.report.inside import inside_list
from profiler.report.markdown import report_markdown
from profiler.report.view import RunView
from profiler.store import RunDirectory
from profiler.tables.files import read_table, write_table
from profiler.tables.library_path import LIBRARY_PATH
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]
_TEXTS = [column.name for column in LIBRARY_PATH.columns if column.kind == "text"]


def _step(kind: str, **given: Any) -> dict[str, Any]:
    known: dict[str, Any] = dict.fromkeys(_TEXTS, "") | {
        "implementation": "torch.conv2d", "case": "ic1ih100oc1kh3ph1", "device": "cpu", "threads": 1, "call": "later",
        "step": 1, "kind": kind, "calls": 1, "time_ms": 0.5,
    }  # fmt: skip
    return {**known, **given}


def _convolution(**given: Any) -> dict[str, Any]:
    words = "oneDNN runs jit:avx2 on source abcd, destination aBcd8b"
    return _step("exec", primitive="convolution", destination_layout="aBcd8b", words=words, **given)


def _reorder(source: str, destination: str, problem: str, **given: Any) -> dict[str, Any]:
    named = {"source_layout": source, "destination_layout": destination, "problem": problem, "words": "a copy"}
    return _step("exec", primitive="reorder", **named, **given)


def _backend(name: str, **given: Any) -> dict[str, Any]:
    return _step("backend", primitive=name, words=f"torch chooses {name}", **given)


def _lines(build_run: BuildRun, *rows: dict[str, Any]) -> list[str]:
    run = build_run()
    attribute(run)
    write_table(run, LIBRARY_PATH, LIBRARY_PATH.frame(rows))
    return inside_list(RunView(run))


def test_a_call_is_told_in_one_sentence(build_run: BuildRun) -> None:
    ran = [_convolution(), _reorder("abcd", "Abcd8a", "1x1x3x3"), _reorder("aBcd8b", "abcd", "1x1x100x100", calls=2)]
    first = [{**row, "call": "first"} for row in (*ran, *ran)]  # of the first call nothing is counted
    assert _lines(build_run, _backend("Mkldnn"), *first, *ran) == [
        "`torch.conv2d`: torch chooses Mkldnn; oneDNN runs jit:avx2 on source abcd, destination aBcd8b; 3 reorders a "
        "call: 1x1x3x3 from abcd to Abcd8a, the result back from aBcd8b to abcd, 2 times"
    ]


def test_numbers_of_threads_are_told_apart_where_they_differ(build_run: BuildRun) -> None:
    assert _lines(build_run, _backend("Slow2d"), _backend("Mkldnn", threads=2), _convolution(threads=2)) == [
        "`torch.conv2d` with 1 thread: torch chooses Slow2d; no call of oneDNN is seen",
        "`torch.conv2d` with 2 threads: torch chooses Mkldnn; oneDNN runs jit:avx2 on source abcd, destination aBcd8b; "
        "no reorder",
    ]
    assert _lines(lambda: build_run("other"), _backend("Slow2d"), _backend("Slow2d", threads=2)) == [
        "`torch.conv2d`: torch chooses Slow2d; no call of oneDNN is seen"
    ]


def test_cases_that_are_told_alike_are_named_together(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    small, large = "ic1ih8oc1kh3ph1", "ic1ih200oc1kh3ph1"
    manifest = run.manifest()
    run.write_manifest(msgspec.structs.replace(manifest, cases=[small, *manifest.cases, large]))
    summary = read_table(run, SUMMARY)
    write_table(run, SUMMARY, pd.concat([summary, *(summary.assign(case=case) for case in (small, large))]))
    rows = [_backend("Slow2d"), _backend("Slow2d", case=small), _backend("Mkldnn", case=large)]
    write_table(run, LIBRARY_PATH, LIBRARY_PATH.frame(rows))
    assert inside_list(RunView(run)) == [
        f"`torch.conv2d` on `{small}`, `{manifest.cases[0]}`: torch chooses Slow2d; no call of oneDNN is seen",
        f"`torch.conv2d` on `{large}`: torch chooses Mkldnn; no call of oneDNN is seen",
    ]


def test_a_torch_that_does_not_tell_is_said_to_be_so(build_run: BuildRun) -> None:
    assert _lines(build_run, _step("create", words="oneDNN makes it")) == [
        "`torch.conv2d`: torch does not say which backend it chooses; no call of oneDNN is seen"
    ]


def test_what_an_implementation_prints_in_the_form_of_onednn_stays_text(build_run: BuildRun) -> None:
    words = "oneDNN runs <script>x</script> | *so* [a](b)\n# oops"
    run = build_run(threads=[1])
    attribute(run)
    write_table(run, LIBRARY_PATH, LIBRARY_PATH.frame([_step("exec", primitive="convolution", words=words)]))
    rendered = (
        MarkdownIt("commonmark", {"html": True}).enable("table").render(report_markdown(RunView(run), frozenset()))
    )
    assert "&lt;script&gt;x&lt;/script&gt; | *so* [a](b) # oops" in rendered
    assert "<script>" not in rendered


def test_without_rows_there_is_no_section(build_run: BuildRun) -> None:
    assert _lines(build_run) == []
