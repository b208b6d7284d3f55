"""Real exports of four GPUs, compared with what Nsight's own reports say of them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from profiler.cli import main
from profiler.foreign import report_traces
from profiler.trace.device_events import DeviceTrace
from profiler.trace.nsight.reader import read_nsight

_FOLDER = Path(__file__).parents[5] / "shared" / "traces" / "nsight"
_EXPORTS = sorted(path.stem for path in _FOLDER.glob("*.sqlite")) if _FOLDER.is_dir() else []
_PIPIT = "pipit__saxpy-mpi-cuda_nsys_perlmutter0"

pytestmark = pytest.mark.skipif(not _EXPORTS, reason="the traces recorded by others are not beside this repository")


@cache
def _trace(name: str) -> DeviceTrace:
    return read_nsight(_FOLDER / f"{name}.sqlite")


def _oracle(name: str, report: str) -> list[dict[str, str]]:
    with (_FOLDER / "oracle" / f"{name}__{report}.csv").open(newline="") as file:
        return list(csv.DictReader(line for line in file if line.strip()))


@pytest.mark.parametrize("name", _EXPORTS)
def test_kernels_are_those_of_nsight_s_summary_by_grid_and_block(name: str) -> None:
    activities = _trace(name).activities
    kernels = activities.where(activities.of_kind("kernel"))
    found: Counter[tuple[str, ...]] = Counter()
    seconds: Counter[tuple[str, ...]] = Counter()
    for row, duration in enumerate(kernels.duration_ns.tolist()):
        key = (kernels.name_of(row), " ".join(map(str, kernels.grid[row])), " ".join(map(str, kernels.block[row])))
        found[key] += 1
        seconds[key] += duration
    expected = Counter[tuple[str, ...]]()
    totals = Counter[tuple[str, ...]]()
    for line in _oracle(name, "gpukernsum"):
        key = (line["Name"], " ".join(line["GridXYZ"].split()), " ".join(line["BlockXYZ"].split()))
        expected[key] += int(line["Instances"])
        totals[key] += int(line["Total Time (ns)"])
    assert found == expected
    assert seconds == totals


@pytest.mark.parametrize("name", _EXPORTS)
def test_calls_are_those_of_nsight_s_summary(name: str) -> None:
    calls = _trace(name).host_calls
    durations: dict[str, list[int]] = defaultdict(list)
    for row, duration in enumerate((calls.end_ns - calls.start_ns).tolist()):
        durations[calls.name_of(row)].append(duration)
    expected: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for line in _oracle(name, "cudaapisum"):
        expected[re.sub(r"_v\d{4,5}$", "", line["Name"])].append((int(line["Num Calls"]), int(line["Total Time (ns)"])))
    assert durations.keys() == expected.keys()
    for each, lines in expected.items():
        # Where calls have backtraces, Nsight lists those rows under the same name once more.
        assert (len(durations[each]), sum(durations[each])) in lines


def test_launches_of_every_linked_kernel_are_in_its_own_process() -> None:
    linked = {}
    for name in _EXPORTS:
        trace = _trace(name)
        kernels = trace.activities.where(trace.activities.of_kind("kernel"))
        keys = trace.host_calls.correlation
        assert len(np.unique(keys[keys >= 0])) == (keys >= 0).sum()
        linked[name] = (len(kernels), int(np.isin(kernels.correlation, keys).sum()))
    assert linked == {
        "flameox__nsight-2025.5.2": (3, 3),
        "nsys-ai__h100_2gpu_1s": (3442, 1632),
        "nsys-ai__mfu_2gpu_after": (3587, 3577),
        _PIPIT: (5, 5),
    }


def test_copies_have_nsight_s_bytes_and_times() -> None:
    activities = _trace(_PIPIT).activities
    copies = activities.where(activities.of_kind("memcpy"))
    found = {
        f"[CUDA {name.replace('Memcpy', 'memcpy')}]": (int(chosen.sum()), int(copies.duration_ns[chosen].sum()), size)
        for code, name in enumerate(copies.names)
        if (chosen := copies.name_codes == code).any()
        for size in [f"{copies.bytes[chosen].sum() / 1e6:.3f}"]
    }
    sizes = {line["Operation"]: line["Total (MB)"] for line in _oracle(_PIPIT, "gpumemsizesum")}
    assert found == {
        line["Operation"]: (int(line["Count"]), int(line["Total Time (ns)"]), sizes[line["Operation"]])
        for line in _oracle(_PIPIT, "gpumemtimesum")
    }


def test_activities_are_those_of_nsight_s_trace() -> None:
    activities = _trace(_PIPIT).activities
    found = {
        (start, duration, device, stream, max(bytes_, 0) / 1e6, registers)
        for start, duration, device, stream, bytes_, registers in zip(
            activities.start_ns.tolist(),
            activities.duration_ns.tolist(),
            activities.device.tolist(),
            activities.stream.tolist(),
            activities.bytes.tolist(),
            activities.registers.tolist(),
            strict=True,
        )
    }
    expected = {
        (
            int(line["Start (ns)"]),
            int(line["Duration (ns)"]),
            int(line["Device"].rpartition("(")[2].rstrip(")")),
            int(line["Strm"]),
            0.0 if line["Bytes (MB)"] == "None" else float(line["Bytes (MB)"]),
            -1 if line["Reg/Trd"] == "None" else int(line["Reg/Trd"]),
        )
        for line in _oracle(_PIPIT, "gputrace")
    }
    assert {(*each[:4], round(each[4], 3), each[5]) for each in found} == expected


def test_ranges_are_those_of_nsight_s_trace_and_hold_each_kernel_once() -> None:
    trace = _trace(_PIPIT)
    ranges = trace.ranges
    found = [
        (start, end, f"{domain}:{name}" if domain else name, *trace.threads[thread])
        for start, end, domain, name, thread in zip(
            ranges.start_ns.tolist(),
            ranges.end_ns.tolist(),
            [ranges.domains[code] for code in ranges.domain_codes],
            [ranges.name_of(row) for row in range(len(ranges))],
            ranges.thread_codes.tolist(),
            strict=True,
        )
    ]
    assert found == [
        (int(line["Start (ns)"]), int(line["End (ns)"]), line["Name"], line["PID"], line["TID"])
        for line in _oracle(_PIPIT, "nvtxpptrace")
    ]
    # Nsight's own sum by range counts each launch twice here, for its backtrace's row; its projection does not.
    calls = trace.host_calls
    kernels = trace.activities.where(trace.activities.of_kind("kernel"))
    projected = []
    for row in range(len(ranges)):
        within = (calls.start_ns >= ranges.start_ns[row]) & (calls.end_ns <= ranges.end_ns[row])
        launched = np.isin(kernels.correlation, calls.correlation[within & (calls.correlation >= 0)])
        if launched.any():
            start, end = int(kernels.start_ns[launched].min()), int(kernels.end_ns[launched].max())
            projected.append((ranges.name_of(row), start, end - start, int(launched.sum())))
    assert projected == [
        (
            line["Name"],
            int(line["Projected Start (ns)"]),
            int(line["Projected Duration (ns)"]),
            int(line["NumGPUOps"]),
        )
        for line in _oracle(_PIPIT, "nvtxgpuproj")
    ]


def test_graphs_that_were_recorded_as_a_whole_are_joined_to_their_launches() -> None:
    trace = _trace("flameox__nsight-2025.5.2")
    graphs = trace.activities.where(trace.activities.of_kind("graph"))
    launches = [
        trace.host_calls.name_of(int(np.flatnonzero(trace.host_calls.correlation == key)[0]))
        for key in graphs.correlation
    ]
    assert launches == ["cudaGraphLaunch"] * 2
    assert graphs.duration_ns.tolist() == [1728, 1376]
    assert graphs.graph.tolist() == [1, 1]


def test_torch_s_ranges_become_operators() -> None:
    trace = _trace("nsys-ai__h100_2gpu_1s")
    assert (len(trace.operators), len(trace.ranges)) == (16542, 240)
    assert "aten::view" in trace.operators.names
    assert not [name for name in (*trace.operators.names, *trace.ranges.names) if "op_id" in name]


def test_the_command_puts_a_database_into_the_same_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["trace", str(_FOLDER / f"{_PIPIT}.sqlite"), "--out", str(tmp_path / "out"), "--json"])
    assert ending.value.code == 0
    (trace,) = json.loads(capsys.readouterr().out)["traces"]
    tables = trace["tables"]
    oracle = {line["Name"]: line for line in _oracle(_PIPIT, "gpukernsum")}
    assert {row["kernel"]: (row["launches"], round(row["device_s"] * 1e9)) for row in tables["kernels"]} == {
        name: (int(line["Instances"]), int(line["Total Time (ns)"])) for name, line in oracle.items()
    }
    assert [(row["range"], row["activities"], round(row["device_s"] * 1e9)) for row in tables["ranges"][:1]] == [
        ("saxpy", 5, 88573480)  # half of what Nsight's sum by range says, which counts backtraces
    ]
    assert {row["operation"]: row["bytes"] for row in tables["memory"]} == {
        "copy h2d": 2.62144e9,
        "copy d2h": 1.31072e9,
    }


def test_graphs_recorded_as_a_whole_are_no_kernels_and_are_told(tmp_path: Path) -> None:
    report_traces([_FOLDER / "flameox__nsight-2025.5.2.sqlite"], tmp_path / "out")
    words = "3 kernels, 2 graphs (as a whole: their kernels were not recorded), 1 copy, 0 sets"
    assert words in (tmp_path / "out" / "report.md").read_text()
