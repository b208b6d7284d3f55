"""The table of what the library does inside, whole, from hand-written lines of oneDNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from profiler.records import LibraryPath, Notice
from profiler.store import RunDirectory
from profiler.tables.build import build_tables
from profiler.tables.files import read_table
from profiler.tables.library_path import LIBRARY_PATH
from profiler.tables.library_words import block_words

BuildRun = Callable[..., RunDirectory]
CASE = "ic1ih100oc1kh3ph1"
_PROBLEM = "mb1_ic1oc1_ih100oh100kh3sh1dh0ph1_iw100ow100kw3sw1dw0pw1"
_CONVOLUTION = (
    "cpu,convolution,jit:avx512_core,forward_training,src:f32:a:blocked:abcd::f0 wei:f32:ap:blocked:Acdb16a::f0 "
    f"bia:undef::undef::: dst:f32:ap:blocked:aBcd16b::f0,attr-scratchpad:user,alg:convolution_direct,{_PROBLEM}"
)
_BACK = "cpu,reorder,jit:uni,undef,src:f32:p:blocked:aBcd16b::f0 dst:f32::blocked:abcd::f0,,,1x1x100x100"
LINES = f"""convprof,header
onednn_verbose,v1,info,oneDNN v3.12.0 (commit 80afa710)
onednn_verbose,v1,info,cpu,isa:Intel AVX-512
convprof,prepare
convprof,first
onednn_verbose,v1,primitive,create:cache_miss,{_CONVOLUTION},1.5
convprof,later
onednn_verbose,v1,primitive,exec,{_CONVOLUTION},0.75
onednn_verbose,v1,primitive,exec,{_BACK},0.25
onednn_verbose,v1,primitive,exec,{_BACK},0.75
"""


def write_path(run: RunDirectory, text: str | None, backends: list[str], **more: Any) -> None:
    """Add one look into the library to a run; no file where there is no text."""
    lines = "traces/torch.conv2d.onednn.txt"
    if text is not None:
        run.traces.mkdir(exist_ok=True)
        (run.path / lines).write_text(text)
    known = {"implementation": "torch.conv2d", "case": CASE, "device": "cpu", "threads": 1, "lines": lines}
    with run.journal() as journal:
        journal.append(LibraryPath(**{**known, "backends": backends, **more}))


def test_each_step_has_a_row_and_equal_ones_are_counted(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    write_path(run, "convprof,later\n", ["Slow2d"])
    write_path(run, LINES, ["Mkldnn"])  # the last look counts
    build_tables(run)
    nothing = dict.fromkeys((column.name for column in LIBRARY_PATH.columns if column.kind == "text"), "")
    here = {"implementation": "torch.conv2d", "case": CASE, "device": "cpu", "threads": 1, "calls": 1}
    convolution = {
        "primitive": "convolution", "primitive_implementation": "jit:avx512_core", "propagation": "forward_training",
        "algorithm": "convolution_direct", "source_layout": "abcd", "weights_layout": "Acdb16a",
        "destination_layout": "aBcd16b", "problem": _PROBLEM,
    }  # fmt: skip
    rows = [
        {"call": "later", "kind": "backend", "primitive": "Mkldnn", "time_ms": None,
         "words": "torch chooses Mkldnn (oneDNN v3.12.0, Intel AVX-512)"},
        {"call": "first", "kind": "create", "cache": "miss", **convolution, "time_ms": 1.5,
         "words": "oneDNN makes anew the convolution jit:avx512_core"},
        {"call": "later", "kind": "exec", **convolution, "time_ms": 0.75,
         "words": "oneDNN runs jit:avx512_core on source abcd, weights Acdb16a, destination aBcd16b: the one output "
                  "channel is written as a block of 16 (aBcd16b), 16 times the values"},
        {"call": "later", "kind": "exec", "primitive": "reorder", "primitive_implementation": "jit:uni",
         "source_layout": "aBcd16b", "destination_layout": "abcd", "problem": "1x1x100x100", "calls": 2,
         "time_ms": 0.5, "words": "oneDNN copies 1x1x100x100 from aBcd16b to abcd"},
    ]  # fmt: skip
    expected = LIBRARY_PATH.frame({**nothing, **here, "step": place, **row} for place, row in enumerate(rows, start=1))
    pd.testing.assert_frame_equal(read_table(run, LIBRARY_PATH), expected)


def test_what_is_not_understood_or_gone_is_noted_and_the_rest_stands(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    write_path(run, f"{LINES}onednn_verbose,v1,primitive,nonsense\nconvprof,cut,7\n", ["Mkldnn"])
    write_path(run, None, [], case="ic1ih8oc1kh3ph1", lines="traces/gone.onednn.txt")
    write_path(run, None, [], case="ic1ih9oc1kh3ph1", lines="", reason="killed by SIGSEGV")
    build_tables(run)
    assert len(read_table(run, LIBRARY_PATH)) == 4
    texts = {record.code: record.text for record in run.records() if isinstance(record, Notice)}
    assert texts["library_path_not_whole"] == (
        f"torch.conv2d on {CASE}: lines of oneDNN that are not understood: 1; that were not kept: 7"
    )
    assert texts["unreadable_library_path"].startswith("torch.conv2d on ic1ih8oc1kh3ph1: what oneDNN wrote cannot be")


@pytest.mark.parametrize(
    ("layout", "channels", "words"),
    [
        ("aBcd16b", 1, "the one output channel is written as a block of 16 (aBcd16b), 16 times the values"),
        ("aBcd8b", 12, "the 12 output channels are written as blocks of 8 (aBcd8b), 1.33 times the values"),
        ("aBcd16b", 32, ""),
        ("abcd", 1, ""),
        ("Acdb16a", 1, ""),
    ],
)
def test_blocks_that_hold_more_than_the_channels_are_told(layout: str, channels: int, words: str) -> None:
    assert block_words(layout, f"mb1_ic1oc{channels}_ih8oh8kh3") == words
