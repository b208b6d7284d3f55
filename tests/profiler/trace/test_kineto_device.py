"""What Kineto's files say of devices, in the categories and fields of every year."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from profiler.trace.device_events import COPY_DIRECTIONS, UNKNOWN, DeviceTrace
from profiler.trace.launch_join import Linked

MakeEvent = Callable[..., dict[str, Any]]
ReadDevices = Callable[..., DeviceTrace]
LinkTrace = Callable[..., Linked]


def test_today_s_fields_are_read(read_devices: ReadDevices, kernel: MakeEvent) -> None:
    arguments = {
        "grid": [4, 2, 1], "block": [32, 8, 1], "registers per thread": 40, "shared memory": 1024,
        "est. achieved occupancy %": 50, "graph id": 3, "External id": 99,
    }  # fmt: skip
    copied = {"device": 0, "stream": 7, "bytes": 64}
    trace = read_devices(
        [
            kernel(100.5, 2.25, 5, args=arguments),
            kernel(110, 1, 6, cat="gpu_memcpy", name="Memcpy DtoH (Device -> Pinned)", args=copied),
            kernel(120, 1, 7, cat="gpu_memset", name="Memset (Device)", args=copied),
        ],
        cupti_version=22,
        cuda_runtime_version=12040,
        distributedInfo={"rank": 1, "world_size": 4},
        deviceProperties=[{"id": 0, "name": "A GPU", "computeMajor": 9, "computeMinor": 0, "numSms": 132}],
    )
    work = trace.activities
    assert work.start_ns.tolist() == [0, 9500, 19500]
    assert work.duration_ns.tolist() == [2250, 1000, 1000]
    assert work.correlation.tolist() == [5, 6, 7]
    assert work.grid[0].tolist() == [4, 2, 1]
    assert work.block[0].tolist() == [32, 8, 1]
    assert (work.registers[0], work.shared_bytes[0], work.occupancy[0], work.graph[0]) == (40, 1024, 0.5, 3)
    assert work.bytes.tolist() == [UNKNOWN, 64, 64]
    assert work.direction_codes.tolist() == [UNKNOWN, COPY_DIRECTIONS.index("d2h"), UNKNOWN]
    assert trace.source == "Kineto with CUPTI 22, CUDA runtime 12040, rank 1 of 4"
    assert (trace.device_of(0).name, trace.device_of(0).multiprocessors) == ("A GPU", 132)
    assert trace.device_of(5).name == ""
    assert (trace.resolution_ns, trace.losses) == (1, ())


def test_legacy_categories_and_whole_microseconds_are_read(link_trace: LinkTrace) -> None:
    linked = link_trace(
        [
            {"cat": "Operator", "name": "aten::conv2d", "ts": 1, "dur": 9, "tid": "25738", "pid": 25738},
            {"cat": "Runtime", "name": "cudaLaunchKernel", "ts": 2, "dur": 1, "tid": "25738", "pid": 25738,
             "args": {"correlation": 4, "external id": 8}},
            {"cat": "Kernel", "name": "k", "ts": 5, "dur": 2, "pid": 0, "tid": "stream 7",
             "args": {"correlation": 4, "external id": 8}},
            {"cat": "Memcpy", "name": "Memcpy HtoD (Pageable -> Device)", "ts": 8, "dur": 1, "pid": 0,
             "tid": "stream 7", "args": {"bytes": 3}},
        ]
    )  # fmt: skip
    trace = linked.trace
    assert trace.resolution_ns == 1000
    assert trace.activities.stream.tolist() == [7, 7]
    assert trace.activities.device.tolist() == [0, 0]
    assert linked.call_of.tolist() == [0, -1]
    assert linked.operator_of.tolist() == [0, -1]


def test_launches_are_joined_over_every_runtime_and_never_on_external_id(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    linked = link_trace(
        [
            {"name": "outer", "ts": 100.5, "dur": 50},
            {"name": "inner", "ts": 101, "dur": 10, "args": {"External id": 77}},
            {"name": "elsewhere", "ts": 100.5, "dur": 50, "tid": 2},
            call("cuLaunchKernel", 102, 1, 1, cat="cuda_driver"),
            call("cudaLaunchKernelExC", 120, 1, 2, args={"External id": 77}),
            call("clEnqueueNDRangeKernel", 130, 1, 3, cat="opencl_runtime"),
            call("cudaGraphLaunch", 140, 1, 4),
            kernel(105, 1, 1, args={"External id": 2}),
            kernel(125, 1, 2),
            kernel(135, 1, 3),
            kernel(142, 1, 4),
            kernel(144, 1, 4),
            kernel(146, 1, 99, args={"External id": 77}),
        ]
    )
    calls, operators = linked.trace.host_calls, linked.trace.operators
    joined = [calls.name_of(row) if row >= 0 else "" for row in linked.call_of.tolist()]
    assert joined == [
        "cuLaunchKernel", "cudaLaunchKernelExC", "clEnqueueNDRangeKernel", "cudaGraphLaunch", "cudaGraphLaunch", ""
    ]  # fmt: skip
    around = [operators.name_of(row) if row >= 0 else "" for row in linked.operator_of.tolist()]
    assert around == ["inner", "outer", "outer", "outer", "outer", ""]


def test_only_those_of_hip_s_launches_that_count_threads_are_turned_into_blocks(
    read_devices: ReadDevices, call: MakeEvent, kernel: MakeEvent
) -> None:
    sizes = {"grid": [500, 8, 1], "block": [256, 1, 1]}
    trace = read_devices(
        [
            call("hipExtModuleLaunchKernel", 1.5, 1, 1),
            call("hipModuleLaunchKernel", 2.5, 1, 2),
            call("hipLaunchKernel", 3.5, 1, 3, args=sizes | {"shared memory": 64}),
            call("hipMemcpyWithStream", 4.5, 1, 4, args={"size": 400, "kind": 1}),
            kernel(5.5, 1, 1, args=sizes),
            kernel(6.5, 1, 2, args=sizes),
            kernel(7.5, 1, 3),  # roctracer may leave the sizes in the call's row alone
            kernel(8.5, 1, 4, cat="gpu_memcpy", name="CopyHostToDevice"),
        ]
    )
    work = trace.activities
    assert work.grid.tolist() == [[2, 8, 1], [500, 8, 1], [500, 8, 1], [UNKNOWN] * 3]
    assert work.block.tolist() == [[256, 1, 1]] * 3 + [[UNKNOWN] * 3]
    assert work.shared_bytes.tolist()[2] == 64
    assert work.bytes.tolist() == [UNKNOWN, UNKNOWN, UNKNOWN, 400]
    assert COPY_DIRECTIONS[work.direction_codes[3]] == "h2d"


def test_what_has_no_possible_time_is_left_out_and_said(read_devices: ReadDevices, kernel: MakeEvent) -> None:
    epoch = 1.7e15
    trace = read_devices(
        [
            kernel(epoch, 1),
            kernel(0, 1),
            {"name": "aten::mul", "ts": None, "dur": 1},
            {"name": "aten::mul", "ts": str(epoch + 2), "dur": 1},
        ]
    )
    assert len(trace.activities) == len(trace.operators) == 1
    assert trace.window == (0, 3000)
    assert trace.losses == (
        "1 events have no timestamp or no duration and were left out",
        "1 events have a timestamp of 0 or less and were left out",
    )


def test_a_recorder_s_own_rows_are_no_work(read_devices: ReadDevices, kernel: MakeEvent) -> None:
    trace = read_devices(
        [
            kernel(1.5, 1, name="Activity Buffer Request"),
            kernel(3.5, 1),
            {"name": "profiler::_record_function_enter_new", "ts": 2, "dur": 1},
            {"name": "ProfilerStep#1", "cat": "gpu_user_annotation", "ts": 1.5, "dur": 9},
            {"name": "PyTorch Profiler (0)", "cat": "Trace", "ts": 1.5, "dur": 9},
        ]
    )
    assert (len(trace.activities), len(trace.operators), len(trace.overheads)) == (1, 0, 2)
    assert trace.losses == ("1 rows of the recorder itself stood among category kernel and were taken as its overhead",)


def test_a_recorder_s_spans_explain_no_pause(read_devices: ReadDevices, kernel: MakeEvent) -> None:
    """They last as long as what is recorded: as overhead they would hide all that the host does."""
    trace = read_devices([{"name": "ProfilerStep#1", "ts": 1, "dur": 9}, kernel(1.5, 9, name="ProfilerStep#1")])
    assert (len(trace.activities), len(trace.operators), len(trace.overheads)) == (0, 0, 0)
    assert trace.ranges.name_of(0) == "ProfilerStep#1"
    assert trace.losses == ("1 spans of the recorder itself stood among category kernel and were left out",)


def test_labelled_ranges_are_ranges_also_where_torch_made_operators_of_them(read_devices: ReadDevices) -> None:
    trace = read_devices([{"name": "convprof|a|b|0", "ts": 1, "dur": 1}, {"name": "aten::mul", "ts": 1, "dur": 1}])
    assert (len(trace.ranges), len(trace.operators)) == (1, 1)


def test_hardware_counters_are_columns(read_devices: ReadDevices) -> None:
    trace = read_devices(
        [
            {"cat": "cuda_profiler_range", "name": "k", "pid": 0, "ts": 1, "dur": 99, "args": {"a": 1, "b": 2.5}},
            {"cat": "cuda_profiler_range", "name": "k", "pid": 0, "ts": 1, "dur": 99, "args": {"a": 3, "c": "x"}},
        ]
    )
    assert trace.counters.names == ("k",)
    np.testing.assert_array_equal(trace.counters.metrics["a"], [1, 3])
    np.testing.assert_array_equal(trace.counters.metrics["b"], [2.5, np.nan])


def test_arguments_of_an_unforeseen_shape_are_unknown(read_devices: ReadDevices, kernel: MakeEvent) -> None:
    trace = read_devices(
        [kernel(1.5, 1) | {"args": None}, kernel(2.5, 1) | {"args": {"grid": "4", "correlation": 1e9}}]
    )
    assert trace.activities.correlation.tolist() == [UNKNOWN, UNKNOWN]
    assert trace.activities.grid.tolist() == [[UNKNOWN] * 3] * 2
