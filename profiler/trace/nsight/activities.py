"""What ran on the devices, from an Nsight export: kernels, copies, sets, whole graphs, and the devices themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import (
    COPY_DIRECTIONS,
    KINDS,
    UNKNOWN,
    ActivityKind,
    Device,
    DeviceActivities,
    coded,
)
from profiler.trace.nsight.database import NsightDatabase
from profiler.trace.nsight.identity import Processes, process_number

__all__ = ["read_activities", "read_devices"]

_TIMES = ("start", "end", "deviceId", "streamId")
_JOIN = ("correlationId", "globalPid")
_GRAPH = ("graphId", "graphNodeId")
_SHAPE = ("gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ")
_RESOURCES = ("registersPerThread", "staticSharedMemory", "dynamicSharedMemory", "localMemoryPerThread")
_NODE_BITS = 32  # CUPTI numbers a node within its graph: the graph is in the upper half

# ENUM_CUDA_MEMCPY_OPER, whose numbers are CUPTI's: an array lies on the device, and unified memory moves in pages.
_DIRECTIONS = {
    **dict.fromkeys((1, 3, 11), "h2d"),
    **dict.fromkeys((2, 4, 12), "d2h"),
    **dict.fromkeys((5, 6, 7, 8, 13), "d2d"),
    9: "h2h",
    10: "peer",
}
_UNIFIED = {11: "Unified memory HtoD", 12: "Unified memory DtoH", 13: "Unified memory DtoD"}
_COPY_NAMES = {
    "h2d": "Memcpy HtoD",
    "d2h": "Memcpy DtoH",
    "d2d": "Memcpy DtoD",
    "h2h": "Memcpy HtoH",
    "peer": "Memcpy PtoP",
}

_Integers = NDArray[np.int64]
_Columns = dict[str, _Integers]


def read_activities(database: NsightDatabase, processes: Processes) -> DeviceActivities:
    """Read all that ran on devices."""
    parts = [part(database) for part in _PARTS]
    kinds = np.concatenate([np.full(len(columns["start"]), KINDS.index(kind)) for kind, columns, _ in parts])
    names, name_codes = coded(name for _, _, each in parts for name in each)

    def all_of(name: str) -> _Integers:
        return np.concatenate(
            [columns[name] if name in columns else np.full(len(columns["start"]), UNKNOWN) for _, columns, _ in parts]
        )

    return DeviceActivities(
        kind_codes=kinds.astype(np.int32),
        names=names,
        name_codes=name_codes,
        device=_devices_of(database, all_of("globalPid"), all_of("deviceId")),
        stream=all_of("streamId"),
        start_ns=all_of("start"),
        end_ns=all_of("end"),
        correlation=processes.key(all_of("globalPid"), all_of("correlationId")),
        grid=np.stack([all_of(name) for name in _SHAPE[:3]], axis=1),
        block=np.stack([all_of(name) for name in _SHAPE[3:]], axis=1),
        registers=all_of("registersPerThread"),
        static_shared_bytes=all_of("staticSharedMemory"),
        dynamic_shared_bytes=all_of("dynamicSharedMemory"),
        local_bytes_per_thread=all_of("localMemoryPerThread"),
        occupancy=np.full(len(kinds), np.nan),
        bytes=all_of("bytes"),
        direction_codes=all_of("direction").astype(np.int32),
        graph=all_of("graph"),
    )


_Part = tuple[ActivityKind, _Columns, list[str]]


def _kernels(database: NsightDatabase) -> _Part:
    columns = database.integers(
        "CUPTI_ACTIVITY_KIND_KERNEL",
        (*_TIMES, "demangledName"),
        (*_JOIN, *_GRAPH, *_SHAPE, *_RESOURCES),
    )
    columns["graph"] = _graph_of(columns)
    return "kernel", columns, [database.string(each) for each in columns["demangledName"].tolist()]


def _copies(database: NsightDatabase) -> _Part:
    columns = database.integers("CUPTI_ACTIVITY_KIND_MEMCPY", (*_TIMES, "bytes", "copyKind"), (*_JOIN, *_GRAPH))
    columns["graph"] = _graph_of(columns)
    kinds = columns["copyKind"].tolist()
    directions = [_DIRECTIONS.get(kind, "unknown") for kind in kinds]
    columns["direction"] = np.array([COPY_DIRECTIONS.index(each) for each in directions], np.int64)
    names = [
        _UNIFIED.get(kind, _COPY_NAMES.get(direction, "Memcpy"))
        for kind, direction in zip(kinds, directions, strict=True)
    ]
    return "memcpy", columns, names


def _sets(database: NsightDatabase) -> _Part:
    columns = database.integers("CUPTI_ACTIVITY_KIND_MEMSET", (*_TIMES, "bytes"), (*_JOIN, *_GRAPH))
    columns["graph"] = _graph_of(columns)
    return "memset", columns, ["Memset"] * len(columns["start"])


def _graphs(database: NsightDatabase) -> _Part:
    """Read graphs that were recorded as a whole, which is Nsight's default."""
    columns = database.integers("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", _TIMES, (*_JOIN, "graphId"))
    columns["graph"] = columns["graphId"]
    return "graph", columns, [f"CUDA graph {each}" for each in columns["graphId"].tolist()]


_PARTS: tuple[Callable[[NsightDatabase], _Part], ...] = (_kernels, _copies, _sets, _graphs)


def _graph_of(columns: _Columns) -> _Integers:
    """Give the graph that each activity is a node of; older files name the node alone."""
    node, graph = columns["graphNodeId"], columns["graphId"]
    of_node = np.where(node >= 1 << _NODE_BITS, node >> _NODE_BITS, UNKNOWN)
    found: _Integers = np.where(graph > 0, graph, of_node)
    return found


def _devices_of(database: NsightDatabase, processes: _Integers, devices: _Integers) -> _Integers:
    """Put the machine's number of each device for the process's own, which CUDA_VISIBLE_DEVICES may shift."""
    known = database.integers("TARGET_INFO_CUDA_DEVICE", (), ("gpuId", "cudaId", "pid"))
    places = {
        (pid, own): machine
        for pid, own, machine in zip(
            known["pid"].tolist(), known["cudaId"].tolist(), known["gpuId"].tolist(), strict=True
        )
    }
    pairs = zip(process_number(processes).tolist(), devices.tolist(), strict=True)
    return np.fromiter((places.get(pair, pair[1]) for pair in pairs), np.int64, len(devices))


def read_devices(database: NsightDatabase) -> tuple[Device, ...]:
    """Describe the devices of the machine; early 2021 has another table of them."""
    if database.has("TARGET_INFO_GPU", "id"):
        return _described(database, "TARGET_INFO_GPU", _TODAY)
    return _described(database, "TARGET_INFO_CUDA_GPU", _EARLY_2021)


# Device's fields and the columns they are read from; the first is the device's number.
_TODAY = ("id", "computeMajor", "computeMinor", "totalMemory", "smCount", "threadsPerWarp", "maxWarpsPerSm")
_EARLY_2021 = (
    "deviceId",
    "computeCapabilityMajor",
    "computeCapabilityMinor",
    "globalMemorySize",
    "numMultiprocessors",
    "numThreadsPerWarp",
    "maxWarpsPerMultiprocessor",
)


def _described(database: NsightDatabase, table: str, columns: tuple[str, ...]) -> tuple[Device, ...]:
    further = ("maxRegistersPerSm", "maxShmemPerSm")
    held = database.integers(table, columns[:1], (*columns[1:], *further))
    names = database.texts(table, "name", "")
    rows = zip(*(held[column].tolist() for column in (*columns, *further)), names, strict=True)
    return tuple(
        Device(
            identifier=identifier,
            name=name,
            compute_capability=(major, minor),
            memory_bytes=memory,
            multiprocessors=multiprocessors,
            warp_size=warp,
            threads_per_multiprocessor=warp * warps if min(warp, warps) > 0 else UNKNOWN,
            registers_per_multiprocessor=registers,
            shared_bytes_per_multiprocessor=shared,
        )
        for identifier, major, minor, memory, multiprocessors, warp, warps, registers, shared, name in rows
    )
