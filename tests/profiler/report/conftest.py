"""The hand-built run with its report written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profiler.report.run import write_report
from profiler.report.view import RunView
from profiler.store import RunDirectory

BuildRun = Callable[..., RunDirectory]


@pytest.fixture(scope="session")
def reported(article_run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunDirectory]:
    """Give the hand-built run with its report, under a relative path, so that no folder of a machine is in it."""
    folder = tmp_path_factory.mktemp("reported")
    shutil.copytree(article_run.path, folder / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = RunDirectory(Path("run"))
        write_report(run)
        yield RunDirectory(folder / "run")


@pytest.fixture(scope="session")
def view(reported: RunDirectory) -> RunView:
    """Give a view of the hand-built run."""
    return RunView(reported)
