"""What is said of a worker that ended for no implementation's fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.isolation import Ending
from profiler.measure.launch import unexplained
from profiler.store import RunDirectory


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        (Ending("crashed", "killed by SIGKILL", None), "killed by SIGKILL"),
        (Ending("hung", "no sign of life for 120 s", None), "no sign of life for 120 s"),
        (Ending("finished", "", None), "exited with code 0"),
    ],
)
def test_the_error_says_how_the_worker_ended_and_claims_nothing_of_what_was_measured(
    tmp_path: Path, ending: Ending, how: str
) -> None:
    run = RunDirectory(tmp_path)
    run.log_path("measure-3").write_text("first\nlast words\n")
    assert str(unexplained(run, 3, ending)) == (
        f"a worker process ended ({how}) while no implementation was running: last words; `convprof doctor` says what "
        f"is missing, `convprof analyze --resume {tmp_path}` goes on from what was measured"
    )
