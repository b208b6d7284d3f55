"""Exports built by hand of the columns that each version of nsys has: the same events give the same columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.errors import TraceError
from profiler.trace.device_events import COPY_DIRECTIONS, KINDS, Device
from profiler.trace.nsight.reader import is_nsight, read_nsight

WriteExport = Callable[..., Path]


def _process(number: int) -> int:
    return 1 << 48 | number << 24


def _thread(process: int, number: int) -> int:
    return _process(process) | number


_MAIN, _OTHER = _thread(100, 101), _thread(200, 201)
_STRINGS = (
    *("cudaLaunchKernel_v7000", "cudaMemcpyAsync_v3020", "void direct<3>(float const*)", "direct", "poll", "backtrace"),
    *("registered range", "cuModuleGetLoadingMode", "cudaGraphLaunch_v10000", "CUDA profiling initialization"),
)
_ID = {text: number for number, text in enumerate(_STRINGS, start=50)}


def _call(
    start: int, end: int, name: str, correlation: int, thread: int = _MAIN, event_class: int = 0
) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "eventClass": event_class,
        "globalTid": thread,
        "correlationId": correlation,
        "nameId": _ID[name],
        "returnValue": 0,
    }


def _kernel(start: int, end: int, process: int, **values: Any) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "deviceId": 0,
        "contextId": 1,
        "streamId": 7,
        "correlationId": 7,
        "globalPid": _process(process),
        "demangledName": _ID["void direct<3>(float const*)"],
        "shortName": _ID["direct"],
        "registersPerThread": 32,
        "gridX": 4,
        "gridY": 2,
        "gridZ": 1,
        "blockX": 128,
        "blockY": 1,
        "blockZ": 1,
        "staticSharedMemory": 512,
        "dynamicSharedMemory": 1024,
        "localMemoryPerThread": 16,
        **values,
    }


def _range(start: int, end: int | None, event_type: int = 59, **values: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "eventType": event_type, "globalTid": _MAIN, "domainId": 0, **values}


def _rows() -> dict[str, list[dict[str, Any]]]:
    """Give two processes with the same correlations, a node of a graph, and a graph recorded as a whole."""
    place = {"deviceId": 0, "contextId": 1, "streamId": 7, "globalPid": _process(100)}
    gpu = {"id": 0, "deviceId": 0, "vmId": 1, "name": "NVIDIA A100", "cuDevice": 0}
    return {
        "StringIds": [{"id": number, "value": text} for text, number in _ID.items()],
        "TARGET_INFO_CUDA_GPU": [
            {
                **gpu,
                "computeCapabilityMajor": 8,
                "computeCapabilityMinor": 0,
                "numMultiprocessors": 108,
                "numThreadsPerWarp": 32,
                "maxWarpsPerMultiprocessor": 64,
            }
        ],
        "TARGET_INFO_GPU": [
            {
                **gpu,
                "totalMemory": 1 << 35,
                "smCount": 108,
                "threadsPerWarp": 32,
                "maxWarpsPerSm": 64,
                "maxRegistersPerSm": 65536,
                "maxShmemPerSm": 167936,
                "computeMajor": 8,
                "computeMinor": 0,
            }
        ],
        "CUPTI_ACTIVITY_KIND_RUNTIME": [
            _call(10, 20, "cudaLaunchKernel_v7000", 7),
            _call(11, 19, "backtrace", 7, event_class=67),
            _call(30, 40, "cudaMemcpyAsync_v3020", 8),
            _call(50, 60, "cudaLaunchKernel_v7000", 7, _OTHER),
            _call(70, 71, "cuModuleGetLoadingMode", 9, event_class=1),
            _call(80, 90, "cudaGraphLaunch_v10000", 10),
        ],
        "CUPTI_ACTIVITY_KIND_KERNEL": [
            _kernel(100, 150, 100),
            _kernel(120, 170, 200, deviceId=1),
            _kernel(400, 410, 100, correlationId=10, graphNodeId=(3 << 32) + 1, graphId=3),
        ],
        "CUPTI_ACTIVITY_KIND_MEMCPY": [
            {**place, "start": 200, "end": 300, "correlationId": 8, "bytes": 4096, "copyKind": 1},
            {**place, "start": 310, "end": 320, "correlationId": 0, "bytes": 64, "copyKind": 12},
        ],
        "CUPTI_ACTIVITY_KIND_MEMSET": [
            {**place, "start": 330, "end": 340, "correlationId": None, "bytes": 256, "value": 0}
        ],
        "CUPTI_ACTIVITY_KIND_GRAPH_TRACE": [
            {**place, "start": 500, "end": 600, "correlationId": 10, "graphId": 3, "graphExecId": 4}
        ],
        "CUDA_GRAPH_EVENTS": [
            {"start": 5, "end": 5, "eventClass": 77, "globalTid": _MAIN, "nameId": 50, "graphNodeId": 1, "graphId": 3}
        ],
        "NVTX_EVENTS": [
            _range(1, None, 75, domainId=1, text="convprof"),
            _range(5, 700, domainId=1, text="convprof|f|case|0", int64Value=3),
            _range(8, 650, domainId=1, textId=_ID["registered range"]),
            _range(9, 640, 60, text="started"),
            _range(12, None, 34, text="a mark"),
            _range(13, 21, text="aten::conv2d, seq = 4, op_id = 9, sizes = [[1, 1, 8, 8], []]"),
            _range(14, 18, text="my own, op_id = 10"),
            _range(15, None, text="never ended"),
            _range(16, None, 76, domainId=1),
        ],
        "OSRT_API": [
            {"start": 2, "end": 4, "eventClass": 27, "globalTid": _MAIN, "nameId": _ID["poll"]},
            {"start": 1, "end": 1, "eventClass": 31, "globalTid": _MAIN, "nameId": _ID["poll"]},
        ],
        "PROFILER_OVERHEAD": [
            {"start": 3, "end": 6, "globalTid": _MAIN, "nameId": _ID["CUDA profiling initialization"]}
        ],
    }


def _strings(names: tuple[str, ...], codes: Any) -> list[str]:
    return [names[code] for code in codes]


def test_every_version_gives_the_same_calls_and_activities(version: str, write_export: WriteExport) -> None:
    trace = read_nsight(write_export(version, _rows()))

    assert trace.source == f"Nsight Systems {version}"
    calls = trace.host_calls
    assert [
        (name, trace.threads[thread], start, end)
        for name, thread, start, end in zip(
            _strings(calls.names, calls.name_codes), calls.thread_codes, calls.start_ns, calls.end_ns, strict=True
        )
    ] == [
        ("cudaLaunchKernel", ("100", "101"), 10, 20),
        ("cudaMemcpyAsync", ("100", "101"), 30, 40),
        ("cudaLaunchKernel", ("200", "201"), 50, 60),
        ("cuModuleGetLoadingMode", ("100", "101"), 70, 71),
        ("cudaGraphLaunch", ("100", "101"), 80, 90),
    ]
    activities = trace.activities
    whole_graph = [("graph", "CUDA graph 3", 7, 500, 600, 3)] if version == "2025.5.2" else []
    assert [
        (KINDS[kind], name, stream, start, end, graph)
        for kind, name, stream, start, end, graph in zip(
            activities.kind_codes,
            _strings(activities.names, activities.name_codes),
            activities.stream,
            activities.start_ns,
            activities.end_ns,
            activities.graph,
            strict=True,
        )
    ] == [
        ("kernel", "void direct<3>(float const*)", 7, 100, 150, -1),
        ("kernel", "void direct<3>(float const*)", 7, 120, 170, -1),
        ("kernel", "void direct<3>(float const*)", 7, 400, 410, 3),
        ("memcpy", "Memcpy HtoD", 7, 200, 300, -1),
        ("memcpy", "Unified memory DtoH", 7, 310, 320, -1),
        ("memset", "Memset", 7, 330, 340, -1),
        *whole_graph,
    ]
    assert activities.bytes.tolist() == [-1, -1, -1, 4096, 64, 256] + [-1] * len(whole_graph)
    assert [COPY_DIRECTIONS[code] if code >= 0 else "" for code in activities.direction_codes[:6]] == [
        *([""] * 3),
        *("h2d", "d2h"),
        "",
    ]
    first = activities.where(np.array([0]))
    assert (first.grid.tolist(), first.block.tolist()) == ([[4, 2, 1]], [[128, 1, 1]])
    assert (first.registers[0], first.static_shared_bytes[0], first.dynamic_shared_bytes[0]) == (32, 512, 1024)
    assert first.local_bytes_per_thread[0] == 16
    assert trace.losses == ("1 NVTX ranges were still open when recording ended; they end with it",)


def test_a_call_is_joined_in_its_own_process_and_a_backtrace_never(version: str, write_export: WriteExport) -> None:
    trace = read_nsight(write_export(version, _rows()))

    def calls_of(activity: int) -> list[tuple[str, tuple[str, str]]]:
        rows = np.flatnonzero(trace.host_calls.correlation == trace.activities.correlation[activity])
        codes = trace.host_calls.thread_codes
        return [(trace.host_calls.name_of(row), trace.threads[codes[row]]) for row in rows.tolist()]

    assert calls_of(0) == [("cudaLaunchKernel", ("100", "101"))]
    assert calls_of(1) == [("cudaLaunchKernel", ("200", "201"))]
    assert calls_of(2) == [("cudaGraphLaunch", ("100", "101"))]
    assert calls_of(3) == [("cudaMemcpyAsync", ("100", "101"))]
    assert trace.activities.correlation[4:6].tolist() == [-1, -1]


def test_ranges_have_names_domains_and_ends_and_torch_s_own_are_operators(
    version: str, write_export: WriteExport
) -> None:
    trace = read_nsight(write_export(version, _rows()))
    ranges = trace.ranges

    last = 600 if version == "2025.5.2" else 410  # of what has an end
    assert [
        (name, ranges.domains[domain], trace.threads[thread], start, end)
        for name, domain, thread, start, end in zip(
            _strings(ranges.names, ranges.name_codes),
            ranges.domain_codes,
            ranges.thread_codes,
            ranges.start_ns,
            ranges.end_ns,
            strict=True,
        )
    ] == [
        ("convprof|f|case|0", "convprof", ("100", "101"), 5, 700),
        ("registered range", "convprof", ("100", "101"), 8, 650),
        ("started", "", ("100", "101"), 9, 640),
        ("a mark", "", ("100", "101"), 12, 12),
        ("my own", "", ("100", "101"), 14, 18),
        ("never ended", "", ("100", "101"), 15, last),
    ]
    operators = trace.operators
    assert _strings(operators.names, operators.name_codes) == ["aten::conv2d"]
    assert (operators.start_ns.tolist(), operators.end_ns.tolist()) == ([13], [21])
    assert np.isnan([*operators.input_bytes, *operators.flops]).all()


def test_waits_and_the_recorder_s_own_work_are_kept(version: str, write_export: WriteExport) -> None:
    trace = read_nsight(write_export(version, _rows()))

    assert _strings(trace.os_calls.names, trace.os_calls.name_codes) == ["poll"]
    assert (trace.os_calls.start_ns.tolist(), trace.os_calls.end_ns.tolist()) == ([2], [4])
    assert _strings(trace.overheads.names, trace.overheads.name_codes) == ["CUDA profiling initialization"]


def test_devices_are_described_by_what_each_version_says(version: str, write_export: WriteExport) -> None:
    trace = read_nsight(write_export(version, _rows()))

    known = (
        {}
        if version == "2021.1.1"
        else {
            "memory_bytes": 1 << 35,
            "registers_per_multiprocessor": 65536,
            "shared_bytes_per_multiprocessor": 167936,
        }
    )
    assert trace.devices == (
        Device(
            identifier=0,
            name="NVIDIA A100",
            compute_capability=(8, 0),
            multiprocessors=108,
            warp_size=32,
            threads_per_multiprocessor=2048,
            **known,
        ),
    )


def test_a_process_s_own_number_of_a_device_gives_way_to_the_machine_s(write_export: WriteExport) -> None:
    rows = _rows()
    rows["TARGET_INFO_CUDA_DEVICE"] = [
        {"gpuId": 5, "cudaId": 0, "pid": 100},
        {"gpuId": 5, "cudaId": 1, "pid": 200},
    ]
    trace = read_nsight(write_export("2025.5.2", rows))
    assert set(trace.activities.device.tolist()) == {5}
    assert "2 processes worked on device 5; their streams of one number count as one here" in trace.losses


def test_any_table_may_be_absent(version: str, write_export: WriteExport) -> None:
    rows = _rows()
    lengths = {
        "CUPTI_ACTIVITY_KIND_RUNTIME": lambda trace: len(trace.host_calls),
        "CUPTI_ACTIVITY_KIND_KERNEL": lambda trace: trace.activities.of_kind("kernel").sum(),
        "CUPTI_ACTIVITY_KIND_MEMCPY": lambda trace: trace.activities.of_kind("memcpy").sum(),
        "CUPTI_ACTIVITY_KIND_MEMSET": lambda trace: trace.activities.of_kind("memset").sum(),
        "NVTX_EVENTS": lambda trace: len(trace.ranges) + len(trace.operators),
        "OSRT_API": lambda trace: len(trace.os_calls),
        "PROFILER_OVERHEAD": lambda trace: len(trace.overheads),
    }
    for table in lengths:
        trace = read_nsight(write_export(version, {name: held for name, held in rows.items() if name != table}))
        assert {name for name, each in lengths.items() if not each(trace)} == {table}


def test_an_export_of_nothing_is_an_empty_trace(version: str, write_export: WriteExport) -> None:
    trace = read_nsight(write_export(version, {"StringIds": [{"id": 1, "value": ""}]}))
    assert trace.source == f"Nsight Systems {version}"
    assert [len(each) for each in (trace.host_calls, trace.activities, trace.ranges, trace.os_calls)] == [0] * 4
    assert trace.window == (0, 0)
    assert trace.losses == ()


def test_a_later_schema_is_read_and_named_in_one_line(write_export: WriteExport) -> None:
    trace = read_nsight(write_export("2025.5.2", _rows(), schema="4.0.0"))
    assert len(trace.activities) == 7
    assert trace.losses[0] == (
        "the file has schema 4.0.0, later than 3.25, the latest that is known here: what was renamed since is missing"
    )


def test_a_needed_column_that_is_gone_is_named_in_one_line(write_export: WriteExport) -> None:
    path = write_export("2025.5.2", _rows(), schema="4.0.0", without="demangledName")
    with pytest.raises(TraceError) as caught:
        read_nsight(path)
    assert str(caught.value) == (
        f"{path}: table CUPTI_ACTIVITY_KIND_KERNEL has no column demangledName (schema 4.0.0, written by Nsight "
        "Systems 2025.5.2; this convprof knows schemas up to 3.25); export the report with an older nsys"
    )


def test_samples_of_gpu_metrics_and_nsight_s_errors_are_named(write_export: WriteExport) -> None:
    rows = _rows()
    rows["GPU_METRICS"] = [{"timestamp": 1, "typeId": 1, "metricId": number, "value": 50} for number in range(3)]
    rows["DIAGNOSTIC_EVENT"] = [
        {"timestamp": 1, "severity": 1, "text": "Profiling has started."},
        {"timestamp": 2, "severity": 3, "text": "CUDA tracing\nfailed."},
    ]
    losses = read_nsight(write_export("2025.5.2", rows)).losses
    assert losses[1:] == (
        "3 samples of GPU metrics are left out: they are taken by time and belong to no kernel; Nsight Systems shows "
        "them",
        "Nsight Systems reports: CUDA tracing failed.",
    )


def test_what_is_no_export_is_refused_in_one_line(tmp_path: Path) -> None:
    missing, foreign, damaged = tmp_path / "missing.sqlite", tmp_path / "foreign.sqlite", tmp_path / "damaged.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE mine (id INTEGER)")
    connection.close()
    damaged.write_bytes(foreign.read_bytes()[:100] + b"\xff" * 200)
    for path, words in ((missing, "is no file"), (foreign, "no export of Nsight"), (damaged, "cannot be read")):
        with pytest.raises(TraceError, match=words) as caught:
            read_nsight(path)
        assert "\n" not in str(caught.value)


def test_reading_leaves_the_file_and_its_folder_as_they_are(write_export: WriteExport) -> None:
    path = write_export("2023.4.1", _rows())
    before = path.read_bytes()
    path.chmod(0o400)
    read_nsight(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_of_nsight_is_told_by_its_name_or_first_bytes(write_export: WriteExport, tmp_path: Path) -> None:
    head = write_export("2023.4.1", _rows()).read_bytes()[:100]
    names = ("x.nsys-rep", "x.qdrep", "x.sqlite", "trace.json")
    assert [is_nsight(tmp_path / name, b"") for name in names] == [True, True, True, False]
    assert is_nsight(tmp_path / "renamed.db", head)
