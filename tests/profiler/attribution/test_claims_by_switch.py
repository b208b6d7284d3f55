"""Claims that switches of the library decide: batches, padding, copies; and those with several numbers of threads."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from profiler.attribution.judging import Judgement, not_testable, with_other_threads
from profiler.attribution.run import attribute
from profiler.store import RunDirectory
from profiler.tables.claims import CLAIMS
from profiler.tables.files import read_table, write_table
from profiler.tables.library_path import LIBRARY_PATH
from profiler.tables.memory import MEMORY

BuildRun = Callable[..., RunDirectory]


def _with_switch(run: RunDirectory, switch: str, factor: float) -> None:
    """Add a switch of the library that makes its call take a factor of its time."""
    samples = pd.read_parquet(run.samples_path)
    own = (samples["implementation"] == "torch.conv2d") & (samples["mode"] == "steady") & (samples["variant"] == "")
    more = samples[own].assign(variant=switch)
    more["seconds_per_call"] *= factor
    run.write_frame(pd.concat([samples, more]), run.samples_path)


def _judged(run: RunDirectory, claim: str) -> tuple[str, str, str]:
    attribute(run)
    row = read_table(run, CLAIMS).set_index("claim").loc[claim]
    return str(row["verdict"]), str(row["sentence"]), str(row["figure"])


@pytest.mark.parametrize(
    ("factor", "verdict", "start"),
    [(0.8, "supported", "true: torch.conv2d without a batch dimension takes 0.8"),
     (1.2, "refuted", "false: torch.conv2d without a batch dimension takes 1.2"), (1.0, "not testable", "")],
)  # fmt: skip
def test_batches_by_a_call_without_one(build_run: BuildRun, factor: float, verdict: str, start: str) -> None:
    run = build_run(threads=[1])
    _with_switch(run, "unbatched", factor)
    found, sentence, _ = _judged(run, "C4")
    assert found.startswith(verdict)
    assert sentence.startswith(start)
    assert bool(sentence) == bool(start)


@pytest.mark.parametrize(("factor", "verdict"), [(0.8, "refuted"), (1.2, "supported"), (1.0, "not testable")])
def test_padding_by_an_image_padded_beforehand(build_run: BuildRun, factor: float, verdict: str) -> None:
    run = build_run(threads=[1])
    _with_switch(run, "padded_beforehand", factor)
    found, _, figure = _judged(run, "C5")
    assert found.startswith(verdict)
    assert figure.startswith("padding 0 takes ")


def test_copies_that_cost_time_support_the_claim_and_name_what_was_seen(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _with_switch(run, "prepacked_weights", 0.9)
    _with_switch(run, "padded_beforehand", 1.0)
    memory = read_table(run, MEMORY)
    memory.loc[memory["implementation"] == "torch.conv2d", "scratch_bytes"] = 360_000.0
    write_table(run, MEMORY, memory)
    verdict, sentence, figure = _judged(run, "C7")
    assert verdict == "supported"
    assert sentence == (
        "true: torch.conv2d has 2 reorders and 360 kB of scratch in a call; with weights laid out beforehand it takes "
        "0.900x of the time"
    )
    assert "padded_beforehand takes 1.00x" in figure


def test_copies_that_cost_nothing_that_can_be_told_decide_nothing(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    _with_switch(run, "padded_beforehand", 1.0)
    verdict, sentence, figure = _judged(run, "C7")
    assert verdict.startswith("not testable here: no interval here excludes 1")
    assert sentence == ""
    assert figure.startswith("torch.conv2d has 2 reorders in a call; padded_beforehand takes 1.00x")


def test_a_library_without_copies_refutes_the_claim(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    rows = read_table(run, LIBRARY_PATH)
    write_table(run, LIBRARY_PATH, rows[rows["primitive"] != "reorder"])
    verdict, sentence, _ = _judged(run, "C7")
    assert (verdict, sentence) == ("refuted", "false: torch.conv2d makes no copy that is seen")


def test_without_a_look_inside_and_scratch_nothing_is_said_of_copies(build_run: BuildRun) -> None:
    run = build_run(threads=[1])
    write_table(run, LIBRARY_PATH, LIBRARY_PATH.frame([]))
    _with_switch(run, "padded_beforehand", 0.9)
    assert _judged(run, "C7")[0].startswith("not testable here: needs a look inside torch.conv2d")


def test_other_numbers_of_threads_are_added_and_may_turn_the_whole() -> None:
    yes, no = Judgement("supported", "2x", "a trial", "true: twice"), Judgement("refuted", "0.5x", "b", "false: half")
    same = with_other_threads(yes, [(2, yes), (4, not_testable("needs more"))])
    assert (same.verdict, same.figure) == ("supported", "2x")
    assert same.evidence == "a trial. With 2 threads: supported, 2x"
    assert same.sentence == "true: twice; the verdict with 2 threads is the same"
    turned = with_other_threads(yes, [(2, no)])
    assert (turned.verdict, turned.sentence) == ("mixed", "true: twice; with 2 threads: false: half")
    still_open = with_other_threads(not_testable("needs this"), [(2, no)])
    assert still_open.told == "not testable here: needs this. With 2 threads: refuted, 0.5x"
    assert still_open.sentence == ""
