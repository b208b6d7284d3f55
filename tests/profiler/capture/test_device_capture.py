"""Capturing on a device that works through a queue: the stand-in's own thread, in a real capture worker."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec

from profiler.capture.protocol import DONE, CaptureJob, CaptureTask
from profiler.isolation import run_worker
from profiler.labels import CallLabel, write_label
from profiler.manifest import PlannedImplementation
from profiler.records import AnyRecord, Captured

CASE, NAME = "ic1ih8oc1kh3ph1", "torch.conv2d"
STANDIN = Path(__file__).parents[2] / "standin"
OPERATOR_S = 0.002


def test_what_a_call_left_to_the_device_is_done_within_its_range(tmp_path: Path) -> None:
    task = CaptureTask(
        implementation=PlannedImplementation(name=NAME, family="library", summary="", source="catalog"),
        case=CASE,
        units=[],
        seconds_per_call=0.001,
        trace="a.json.gz",
        counts="a.counts.json",
    )
    job = CaptureJob(folder=str(tmp_path), seed=1, device="standin", threads=1, call_limit_s=20.0, tasks=[task])
    heard: list[AnyRecord] = []
    ending = run_worker(
        "profiler.capture.worker",
        msgspec.json.encode(job),
        on_record=heard.append,
        log=tmp_path / "log",
        environment={"PYTHONPATH": str(STANDIN), "STANDIN_OPERATOR_S": str(OPERATOR_S), "OMP_NUM_THREADS": "1"},
    )
    assert ending.blamed == DONE, (tmp_path / "log").read_text()
    assert [(each.device, each.calls) for each in heard if isinstance(each, Captured)] == [("standin", 5)]
    events = json.loads(gzip.decompress((tmp_path / "a.json.gz").read_bytes()))["traceEvents"]
    labels = {write_label(CallLabel(NAME, CASE, number)) for number in range(5)}
    ranges = [event for event in events if event.get("name") in labels and event.get("ph") == "X"]
    # The device sleeps at least so long in each operator, while the host needs a fraction of it to enqueue one.
    assert {event["name"] for event in ranges} == labels
    assert all(event["dur"] >= OPERATOR_S * 1e6 for event in ranges)
