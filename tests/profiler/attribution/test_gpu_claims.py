"""The claims about a GPU, from the table of a run on one, built by hand: each verdict, and none from a run on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import pytest

from profiler.attribution.claims import claim_table_rows
from profiler.attribution.files import RunFiles
from profiler.attribution.gather import Gathered
from profiler.store import RunDirectory
from profiler.tables.files import read_table, write_table
from profiler.tables.summary import SUMMARY

BuildRun = Callable[..., RunDirectory]

# Which of the processor's implementations, whose times are known, stands for which: the NumPy loop takes 0.72 of the
# torch loop's time, torch.conv2d 0.001, c.direct[-O3 -march=native] 0.03 of c.direct[-O0].
_SLOW, _FAST = "c.direct[-O0]", "c.direct[-O3 -march=native]"
_SHARED_IS_FASTER = {_SLOW: "cuda.direct", _FAST: "cuda.shared_memory"}
_SHARED_IS_SLOWER = {_FAST: "cuda.direct", _SLOW: "cuda.shared_memory"}
_LOOP_IS_FASTER = {"article.torch_loop": "article.torch_loop[cpu]", "article.numpy_loop": "article.torch_loop"}
_LOOP_IS_SLOWER = {"article.numpy_loop": "article.torch_loop[cpu]"}
_LIBRARY_IS_SLOWER = _LOOP_IS_FASTER | {_FAST: "article.torch_loop", "article.numpy_loop": "left out"}


def _rows(run: RunDirectory, names: Mapping[str, str], device: str) -> dict[str, dict[str, str]]:
    """Rename a run's implementations, move them to a device, and judge all claims."""

    def moved(frame: pd.DataFrame) -> pd.DataFrame:
        renamed = frame.assign(implementation=frame["implementation"].map(lambda name: names.get(name, name)))
        return renamed.assign(device=device)

    write_table(run, SUMMARY, moved(read_table(run, SUMMARY)))
    run.write_frame(moved(RunFiles(run).samples), run.samples_path)
    return {row["claim"]: row for row in claim_table_rows(Gathered(RunFiles(run)))}


@pytest.mark.parametrize(
    ("claim", "names", "verdict", "sentence"),
    [
        ("C10", _LOOP_IS_FASTER, "supported", "true: the loop on the GPU takes"),
        ("C10", _LOOP_IS_SLOWER, "mixed", "in part: the loop on the GPU takes"),
        ("C10", _LIBRARY_IS_SLOWER, "mixed", "in part: the loop on the GPU takes"),
        ("C12", _SHARED_IS_FASTER, "supported", "true: with tiles in shared memory the CUDA kernel takes"),
        ("C12", _SHARED_IS_SLOWER, "refuted", "false: with tiles in shared memory the CUDA kernel takes"),
    ],
)
def test_a_run_on_a_gpu_decides(
    claim: str, names: dict[str, str], verdict: str, sentence: str, build_run: BuildRun
) -> None:
    row = _rows(build_run(threads=[1]), names, "cuda")[claim]
    assert row["verdict"] == verdict
    assert row["sentence"].startswith(sentence)


def test_a_loop_on_the_cpu_is_no_manual_convolution_on_a_gpu(build_run: BuildRun) -> None:
    row = _rows(build_run(threads=[1]), _LOOP_IS_FASTER, "cuda")["C2"]
    assert "article.torch_loop" in row["evidence"]
    assert "[cpu]" not in row["evidence"] + row["figure"] + row["sentence"]


def test_the_figure_has_both_halves_of_the_claim(build_run: BuildRun) -> None:
    row = _rows(build_run(threads=[1]), _LOOP_IS_FASTER, "cuda")["C10"]
    assert row["figure"].startswith("article.torch_loop takes 0.")
    assert "of the time of article.torch_loop[cpu] and " in row["figure"]
    assert row["figure"].endswith("of torch.conv2d")


@pytest.mark.parametrize("half", ["article.torch_loop[cpu]", "torch.conv2d"])
def test_one_half_alone_decides_nothing(half: str, build_run: BuildRun) -> None:
    names = {old: new for old, new in (_LOOP_IS_FASTER | {"torch.conv2d": "torch.conv2d"}).items() if new != half}
    gone = {old: "left out" for old, new in (_LOOP_IS_FASTER | {"torch.conv2d": "torch.conv2d"}).items() if new == half}
    row = _rows(build_run(threads=[1]), names | gone, "cuda")["C10"]
    assert row["verdict"].startswith("not testable here: needs an NVIDIA GPU, and article.torch_loop,")


@pytest.mark.parametrize("claim", ["C10", "C12"])
def test_a_run_on_a_processor_does_not_decide_and_says_what_would(claim: str, build_run: BuildRun) -> None:
    row = _rows(build_run(threads=[1]), _LOOP_IS_FASTER | _SHARED_IS_FASTER, "cpu")[claim]
    assert row["verdict"].startswith("not testable here: needs an NVIDIA GPU, and ")
    assert "`convprof analyze --device cuda`" in row["verdict"]


def test_what_is_claimed_of_the_processor_is_not_judged_on_a_gpu(build_run: BuildRun) -> None:
    assert _rows(build_run(threads=[1]), {}, "cuda")["C11"]["verdict"].startswith("not testable here")
