"""Traces recorded elsewhere become tables and a report, by the command too."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from profiler.cli import main
from profiler.errors import TraceError, UsageError
from profiler.foreign import report_traces

_KERNEL = "void convolve<float>(|, <script>alert(1)</script>)"


_RUNTIME: dict[str, Any] = {"ph": "X", "cat": "cuda_runtime", "pid": 1, "tid": 1, "name": "cudaLaunchKernel"}


def _write_events(path: Path, events: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"traceEvents": events}))
    return path


def _write(path: Path, *, kernels: int = 2) -> Path:
    arguments = {"device": 0, "stream": 7, "grid": [2, 1, 1], "block": [32, 1, 1], "registers per thread": 20}
    events = [
        {"ph": "X", "cat": "cpu_op", "pid": 1, "tid": 1, "name": "aten::conv2d", "ts": 100.5, "dur": 50},
        {**_RUNTIME, "ts": 110.5, "dur": 4, "args": {"correlation": 1}},
        {**_RUNTIME, "ts": 120.5, "dur": 4, "args": {"correlation": 2}},
    ]
    events += [
        {"ph": "X", "cat": "kernel", "pid": 0, "tid": 7, "name": _KERNEL, "ts": 116.5 + 20 * number, "dur": 10,
         "args": {**arguments, "correlation": number + 1}}
        for number in range(kernels)
    ]  # fmt: skip
    path.write_bytes(gzip.compress(json.dumps({"schemaVersion": 1, "traceEvents": events}).encode()))
    return path


def test_a_trace_becomes_tables_and_a_report(tmp_path: Path) -> None:
    report = report_traces([_write(tmp_path / "mine.pt.trace.json.gz")], tmp_path / "out")
    tables = {path.stem for path in (tmp_path / "out" / "tables").glob("*.parquet")}
    assert tables == {
        *("traces", "findings", "kernels", "launches", "queue_depth", "memory", "device_states"),
        *("ranges", "os_calls"),
    }
    assert tables == {path.stem for path in (tmp_path / "out" / "tables").glob("*.csv")}
    states = pd.read_csv(tmp_path / "out" / "tables" / "device_states.csv").set_index("state")["seconds"] * 1e6
    assert states[states > 0].to_dict() == pytest.approx(
        {"kernel": 20, "gap": 10, "launch": 4, "latency": 2, "operator": 10 + 4}
    )
    launches = pd.read_csv(tmp_path / "out" / "tables" / "launches.csv").iloc[0]
    assert launches["call"] == "cudaLaunchKernel"
    assert launches[["calls", "joined"]].tolist() == [2, 2]
    assert launches["delay_median_s"] == pytest.approx(11e-6)
    assert launches["exposed_s"] == launches["exposed_longest_s"] == pytest.approx(6e-6)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert markdown.startswith(
        "device 0 was busy for 40 % of 50.0 µs and waited 12 % of it for launches that nothing hid"
    )
    assert "One call of `cudaLaunchKernel`, 6.00 µs, is 100 % of what launches were exposed" in markdown
    assert "No check found anything unsound." in markdown
    assert "1 device with work: 2 kernels, 0 copies, 0 sets" in markdown
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<script>" not in html
    assert "<svg" in html
    assert "device 0 was busy" in report.as_text()


def test_several_files_are_several_sections_and_what_is_unsound_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    files = [_write(tmp_path / "rank.json"), _write(tmp_path / "other" / "rank.json", kernels=1)]
    report = report_traces(files, tmp_path / "out")
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "## `rank#1`" in markdown
    assert "## `rank#2`" in markdown
    (finding,) = report.as_dict()["traces"][1]["tables"]["findings"]
    assert finding["finding"] == "1 of 2 launches have no kernel in the trace (cudaLaunchKernel)"
    assert report.as_dict()["traces"][0]["sound"] is True


def test_a_trace_without_a_device_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cpu.json"
    path.write_text('{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "aten::add", "ts": 1, "dur": 2}]}')
    report_traces([path], tmp_path / "out")
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert markdown.startswith(
        "nothing ran on a device here, as far as the trace tells: of the host it holds 1 operator,"
    )
    assert "## States" not in markdown
    assert "does not tell" not in markdown


def test_a_trace_without_any_event_that_is_known_is_unsound(tmp_path: Path) -> None:
    report_traces([_write_events(tmp_path / "empty.json", [])], tmp_path / "out")
    assert "`something_was_recorded`: the file holds no event" in (tmp_path / "out" / "report.md").read_text()


def test_opencl_s_launches_are_named_as_what_they_are(tmp_path: Path) -> None:
    call = _RUNTIME | {"cat": "opencl_runtime", "name": "clEnqueueNDRangeKernel", "ts": 1, "dur": 2}
    report_traces([_write_events(tmp_path / "cl.json", [call])], tmp_path / "cl")
    report_traces([_write(tmp_path / "cuda.json.gz")], tmp_path / "cuda")
    said = ["evidence about a GPU" in (tmp_path / name / "report.md").read_text() for name in ("cl", "cuda")]
    assert said == [True, False]


def test_launches_without_times_of_a_device_are_not_nothing(tmp_path: Path) -> None:
    counters = {"ph": "X", "cat": "cuda_profiler_range", "name": "k", "pid": 0, "ts": 1, "dur": 9}
    path = _write_events(
        tmp_path / "counted.json",
        [_RUNTIME | {"ts": 1, "dur": 2, "args": {"correlation": 1}}]
        + [counters | {"args": {"smsp__sass_thread_inst_executed_op_fadd_pred_on.sum": 2.5e9}}] * 2,
    )
    report_traces([path], tmp_path / "out")
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert markdown.startswith(
        "no device's time is recorded here, though 1 launch is: what ran cannot be timed; "
        "hardware counters of 2 ranges are. Not all of this trace is sound or could be read, see below.\n"
    )
    assert "From hardware counters alone" in markdown


def test_the_first_line_blames_one_slow_call_only_where_it_is_most_of_what_launches_cost(tmp_path: Path) -> None:
    def line(first_s: float) -> str:
        events = []
        for number, taken in enumerate((first_s, 10.0, 10.0)):
            start, arguments = 1000.0 * number, {"correlation": number, "device": 0, "stream": 7}
            events += [
                _RUNTIME | {"ts": start, "dur": taken, "args": arguments},
                {"ph": "X", "cat": "kernel", "pid": 0, "tid": 7, "name": "k", "ts": start + taken, "dur": 5,
                 "args": arguments},
            ]  # fmt: skip
        path = _write_events(tmp_path / "slow.json", events)
        return report_traces([path], tmp_path / f"out-{first_s}").as_text()

    assert "One call of cudaLaunchKernel, 500 µs, is 96 % of what launches were exposed" in line(500.0)
    assert "One call" not in line(15.0)


def test_kernels_of_several_streams_say_in_which_they_ran(tmp_path: Path) -> None:
    events = [
        {"ph": "X", "cat": "kernel", "pid": 0, "tid": stream, "name": "k", "ts": 1, "dur": 5,
         "args": {"device": 0, "stream": stream}}
        for stream in (7, 9)
    ]  # fmt: skip
    report_traces([_write_events(tmp_path / "two.json", events)], tmp_path / "out")
    markdown = (tmp_path / "out" / "report.md").read_text()
    table = markdown.partition("### Kernels by time")[2]
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")][2:] == [
        "stream 7 of 0",
        "stream 9 of 0",
    ]


def test_the_command_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _write(tmp_path / "mine.json")
    with pytest.raises(SystemExit) as ended:
        main(["trace", str(path), "--out", str(tmp_path / "out"), "--json"])
    assert ended.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    (trace,) = printed["traces"]
    (kernel,) = trace["tables"]["kernels"]
    assert (trace["trace"], trace["kernels"], kernel["launches"], kernel["bytes"]) == ("mine", 2, 2, None)


@pytest.mark.parametrize("content", [None, b"nonsense", b"{}", b"\x1f\x8b", b"SQLite format 3\x00"])
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "odd"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["trace", str(path), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_kept(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        report_traces([_write(tmp_path / "mine.json")], tmp_path)
    with pytest.raises(TraceError):
        report_traces([tmp_path / "absent.json"], tmp_path / "out")


def test_without_a_folder_a_new_one_is_made_under_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "mine.pt.trace.json.gz")
    monkeypatch.chdir(tmp_path)
    folders = [report_traces([path]).path for _ in range(2)]
    assert len(set(folders)) == 2
    assert all(folder.name.split("-trace-")[1].startswith("mine") for folder in folders)
