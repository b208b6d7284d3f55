"""The look inside the library with a real worker: what is looked into, what is kept, and what fails alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pandas as pd
import pytest
import torch

from profiler.capture import library_path
from profiler.capture.library_path import record_library_paths, waiting_tasks
from profiler.isolation import Ending
from profiler.manifest import PlannedImplementation
from profiler.progress import Silent
from profiler.records import LibraryPath, Notice, Sample
from profiler.store import RunDirectory
from profiler.tables.build import build_tables
from profiler.tables.files import read_table
from profiler.tables.library_path import LIBRARY_PATH
from profiler.trace.onednn import read_verbose

BuildRun = Callable[..., RunDirectory]
CASE = "ic1ih150oc1kh3ph1"
_MINE = """
import os
import numpy as np
import torch


def twice(image: torch.Tensor, weight: torch.Tensor):
    print("mine, not oneDNN's")
    torch.nn.functional.conv2d(image, weight, padding=1)
    return torch.nn.functional.conv2d(image, weight, padding=1)


def dies(image: torch.Tensor, weight: torch.Tensor):
    os._exit(3)


def raises(image: torch.Tensor, weight: torch.Tensor):
    raise ValueError("not | here")


def arrays(image: np.ndarray, weight: np.ndarray):
    return image
"""


def _sample(name: str, threads: int = 1) -> Sample:
    return Sample(implementation=name, variant="", case=CASE, device="cpu", threads=threads, mode="steady", process=1,
                  round=0, calls=1, seconds_per_call=1e-3, cpu_seconds_per_call=1e-3, minor_faults_per_call=0.0,
                  involuntary_switches=0)  # fmt: skip


def _run(build_run: BuildRun, path: Path, *names: str) -> RunDirectory:
    """Give a run of what ships and of a reader's functions, all of it measured with one thread."""
    run = build_run(threads=[1])
    (path / "mine.py").write_text(_MINE)
    own = [
        PlannedImplementation(name=f"mine:{name}", family="manual", summary="", source="file",
                              location=f"{path / 'mine.py'}:{name}")
        for name in names
    ]  # fmt: skip
    manifest = run.manifest()
    shipped = [each for each in manifest.implementations if not each.asked_for]
    run.write_manifest(msgspec.structs.replace(manifest, cases=[CASE], implementations=[*own, *shipped]))
    run.journal_path.unlink()
    with run.journal() as journal:
        for each in [*own, *shipped]:
            journal.append(_sample(each.name))
    return run


def _paths(run: RunDirectory) -> dict[str, LibraryPath]:
    return {record.implementation: record for record in run.records() if isinstance(record, LibraryPath)}


def test_the_library_s_own_on_tensors_and_a_reader_s_functions_wait_once(build_run: BuildRun, tmp_path: Path) -> None:
    run = _run(build_run, tmp_path, "twice")
    tasks = waiting_tasks(run.manifest(), run.records())
    assert [task.implementation.name for task in tasks] == ["mine:twice", "article.module", "torch.conv2d"]
    assert tasks[2].lines == f"traces/torch.conv2d--{CASE}--1.onednn.txt"
    done = LibraryPath(implementation="torch.conv2d", case=CASE, device="cpu", threads=1, backends=[], lines="")
    left = waiting_tasks(run.manifest(), [*run.records(), done])
    assert [task.implementation.name for task in left] == ["mine:twice", "article.module"]


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
def test_what_fails_loses_its_rows_and_the_others_say_what_the_library_does(
    build_run: BuildRun, tmp_path: Path
) -> None:
    run = _run(build_run, tmp_path, "twice", "dies", "raises", "arrays")
    record_library_paths(run, Silent())
    found = _paths(run)
    assert found["mine:dies"].reason == "exited with code 3 while the library was asked what it does"
    assert found["mine:raises"].reason == "ValueError: not | here (mine.py:18)"
    assert found["mine:arrays"].reason == "it works on arrays, which torch and oneDNN do not see"
    assert {name: each.backends for name, each in found.items() if not each.reason} == {
        "mine:twice": ["Mkldnn", "Mkldnn"], "article.module": ["Mkldnn"], "torch.conv2d": ["Mkldnn"],
    }  # fmt: skip
    text = (run.path / found["mine:twice"].lines).read_text()
    assert "not oneDNN's" not in text
    spoken = read_verbose(text)
    assert spoken.version
    assert spoken.unread == 0
    for part in ("first", "later"):
        ran = [line for line in spoken.lines if (line.part, line.operation) == (part, "exec")]
        assert [line.primitive for line in ran].count("convolution") == 2
        assert all(line.engine == "cpu" for line in ran)

    build_tables(run)
    table = read_table(run, LIBRARY_PATH)
    assert set(table["implementation"]) == {"mine:twice", "article.module", "torch.conv2d"}
    own = table[table["implementation"] == "mine:twice"]
    assert own["step"].tolist() == list(range(1, len(own) + 1))
    assert own.iloc[0][["kind", "primitive", "calls"]].tolist() == ["backend", "Mkldnn", 2]
    convolution = own[(own["call"] == "later") & (own["kind"] == "exec") & (own["primitive"] == "convolution")]
    assert convolution["calls"].tolist() == [2]
    assert pd.notna(convolution["source_layout"]).all()

    before = run.journal_path.read_bytes()
    record_library_paths(run, Silent())
    assert run.journal_path.read_bytes() == before


def test_a_worker_that_cannot_start_is_said_once(
    build_run: BuildRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(build_run, tmp_path)
    monkeypatch.setattr(library_path, "run_worker", lambda *_, **__: Ending("exited", "exited with code 1", None))
    record_library_paths(run, Silent())
    record_library_paths(run, Silent())
    (notice,) = [record for record in run.records() if isinstance(record, Notice)]
    assert (notice.code, "exited with code 1" in notice.text) == ("no_library_path", True)
    assert _paths(run) == {}
