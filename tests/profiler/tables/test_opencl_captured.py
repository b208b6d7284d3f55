"""OpenCL's kernels on PoCL, captured for real, have the launches and bytes that one can count by hand."""

from __future__ import annotations

import msgspec
import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.opencl.device import device, opencl_device
from profiler.capture.counting import count_calls, prepared_twice
from profiler.capture.torch_profiler import record_calls
from profiler.labels import CallLabel
from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation
from profiler.records import Captured, Notice, Outcome
from profiler.store import RunDirectory
from profiler.tables.build import build_tables
from profiler.tables.files import read_table
from profiler.tables.kernels import KERNELS
from profiler.tables.launch_latency import LAUNCH_LATENCY
from profiler.tables.launches import LAUNCHES
from profiler.tables.memory import MEMORY

THERE = opencl_device()
pytestmark = pytest.mark.skipif(not THERE.available, reason=THERE.reason or "there")
NAME = "opencl.local_memory"
CASE = ConvCase.parse("ic1ih21iw35oc1kh3ph1")
CALLS = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    implementation = find(NAME)
    made = RunDirectory(tmp_path_factory.mktemp("opencl") / "run")
    prepared = prepared_twice(implementation, CASE, seed=5)
    labels = [CallLabel(NAME, CASE.name, number) for number in range(CALLS)]
    path, source = made.traces / "opencl.json.gz", implementation.device_events
    record_calls(prepared.seen, labels, path, detailed=True, source=source)
    (made.traces / "opencl.counts.json").write_bytes(msgspec.json.encode(count_calls(prepared, [], 0.0)))
    made.write_manifest(_manifest())
    where = {"implementation": NAME, "case": CASE.name, "device": "cpu", "threads": 1}
    files = {"trace": "traces/opencl.json.gz", "counts": "traces/opencl.counts.json", "calls": CALLS}
    with made.journal() as journal:
        journal.append(Outcome(**where, phase="check", status="ok"))
        journal.append(Captured(**where, **files))
    build_tables(made)
    return made


def _manifest() -> Manifest:
    empty = dict.fromkeys(Environment.__struct_fields__, "") | {"accelerator": None}
    numbers = {"cores": 1, "usable_cores": 1, "memory_bytes": 1, "load_average": 0.0, "caches": {}, "packages": {}}
    return Manifest(
        version=MANIFEST_VERSION,
        convprof="0.1.0",
        created="2025-01-30T12:00:00+00:00",
        command=[],
        seed=5,
        device="cpu",
        cases=[CASE.name],
        implementations=[PlannedImplementation(name=NAME, family="manual", summary="", source="catalog")],
        unavailable=[],
        baseline="torch.conv2d",
        threads=[1],
        time_s=10.0,
        call_limit_s=5.0,
        environment=msgspec.convert({**empty, **numbers}, Environment),
    )


def test_the_trace_is_sound(run: RunDirectory) -> None:
    assert [record.text for record in run.records() if isinstance(record, Notice)] == []


def test_a_call_launches_one_kernel_copies_twice_and_waits_once(run: RunDirectory) -> None:
    (row,) = read_table(run, LAUNCHES).to_dict("records")
    works = ("kernel_launches", "memcpys", "synchronizations", "graph_launches", "memsets")
    assert [row[work] for work in works] == [1, 2, 1, 0, 0]


def test_image_and_output_are_what_is_copied(run: RunDirectory) -> None:
    (row,) = read_table(run, MEMORY).to_dict("records")
    assert (row["h2d_bytes"], row["d2h_bytes"]) == (21 * 35 * 4, 21 * 35 * 4)


def test_the_kernel_has_its_work_groups_and_local_memory(run: RunDirectory) -> None:
    (row,) = read_table(run, KERNELS).to_dict("records")
    assert (row["kernel"], row["launches"], row["shared_bytes"]) == ("convolution_local_memory", 1, 18 * 18 * 4)
    assert (row["grid"], row["block"]) == ("3x2x1", "16x16x1")
    assert row["device_s"] > 0


def test_the_launch_s_waits_are_there_and_add_up(run: RunDirectory) -> None:
    (row,) = read_table(run, LAUNCH_LATENCY).to_dict("records")
    assert (row["kernel"], row["runtime"], row["launches"]) == ("convolution_local_memory", "opencl", 1)
    assert device().name in row["runs_on"]
    assert row["call_s"] > 0
    assert 0 <= max(row["queued_s"], row["submitted_s"]) <= row["latency_s"] < 1
