"""Where a run's files are, and the one-file server for Perfetto."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from profiler.errors import RunDirectoryError, UsageError
from profiler.records import Captured
from profiler.store import RunDirectory
from profiler.viewing import TraceServer, find_trace, places


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path)
    run.traces.mkdir()
    (run.traces / "one.json.gz").write_bytes(b"\x1f\x8btrace")
    with run.journal() as journal:
        for name, trace in (("one", "traces/one.json.gz"), ("gone", "traces/gone.json.gz"), ("skipped", "")):
            journal.append(
                Captured(
                    implementation=name,
                    case="ic1ih8oc1kh3ph1",
                    device="cpu",
                    threads=1,
                    trace=trace,
                    counts="",
                    calls=1,
                )
            )
    return run


def test_places_name_what_is_there(run: RunDirectory) -> None:
    found = places(run)
    assert found.report is None
    assert list(found.traces) == ["one on ic1ih8oc1kh3ph1", "gone on ic1ih8oc1kh3ph1"]
    assert "--resume" in found.as_text()
    run.html_path.write_text("<p>report")
    assert places(run).report == run.html_path.resolve()


def test_a_trace_is_found_by_implementation_and_its_absence_is_explained(run: RunDirectory) -> None:
    assert find_trace(run, "one").name == "one.json.gz"
    with pytest.raises(RunDirectoryError, match="gone"):
        find_trace(run, "gone")
    with pytest.raises(UsageError, match="has no trace of 'skipped'; it has: one, gone"):
        find_trace(run, "skipped")


def test_the_server_hands_out_its_one_file_to_perfetto_and_nothing_else(run: RunDirectory) -> None:
    with TraceServer(run.traces / "one.json.gz", port=0) as server:
        read: list[bool] = []
        thread = threading.Thread(target=lambda: read.append(server.serve_until_read()))
        thread.start()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.address.replace("one.json.gz", "manifest.json"), timeout=10)  # noqa: S310
        with urllib.request.urlopen(server.address, timeout=10) as answer:  # noqa: S310
            assert answer.read() == b"\x1f\x8btrace"
            assert answer.headers["Access-Control-Allow-Origin"] == "https://ui.perfetto.dev"
        thread.join(timeout=10)
    assert read == [True]


def test_a_taken_port_is_a_usage_error_with_a_remedy(run: RunDirectory) -> None:
    with TraceServer(run.traces / "one.json.gz", port=0) as server:
        port = int(server.address.split(":")[2].split("/")[0])
        with pytest.raises(UsageError, match="is taken"):
            TraceServer(run.traces / "one.json.gz", port=port)
