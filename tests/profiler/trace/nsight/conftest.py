"""The columns that Nsight's exports had over the years, and databases built of them by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_TIMES = ("start", "end")
_PLACE = ("deviceId", "contextId", "streamId", "correlationId", "globalPid")
_GREEN_PLACE = ("deviceId", "contextId", "greenContextId", "streamId", "correlationId", "globalPid")
_KERNEL = (
    *("demangledName", "shortName", "mangledName", "launchType", "cacheConfig", "registersPerThread"),
    *("gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "staticSharedMemory", "dynamicSharedMemory"),
    *("localMemoryPerThread", "localMemoryTotal", "gridId", "sharedMemoryExecuted", "graphNodeId"),
)
_COPY = ("bytes", "copyKind", "srcKind", "dstKind", "srcDeviceId", "dstDeviceId", "migrationCause", "graphNodeId")
_GPU = (
    *("vmId", "id", "name", "totalMemory", "memoryBandwidth", "smCount", "cuDevice", "threadsPerWarp"),
    *("maxWarpsPerSm", "maxRegistersPerSm", "maxShmemPerSm", "computeMajor", "computeMinor"),
)
_NVTX = (
    *("start", "end", "eventType", "rangeId", "category", "color", "text", "globalTid", "endGlobalTid", "textId"),
    *("domainId", "uint64Value", "int64Value", "doubleValue", "uint32Value", "int32Value", "floatValue"),
    *("jsonTextId", "jsonText"),
)
_META = ("name", "value")

_EARLY_2021: dict[str, tuple[str, ...]] = {
    "StringIds": ("id", "value"),
    "EXPORT_META_DATA": _META,
    "TARGET_INFO_CUDA_GPU": (
        *("deviceId", "name", "computeCapabilityMajor", "computeCapabilityMinor", "numMultiprocessors"),
        *("numThreadsPerWarp", "maxWarpsPerMultiprocessor"),
    ),
    "CUPTI_ACTIVITY_KIND_RUNTIME": (*_TIMES, "eventClass", "globalTid", "correlationId", "nameId", "returnValue"),
    "CUPTI_ACTIVITY_KIND_KERNEL": (*_TIMES, *_PLACE, *_KERNEL),
    "CUPTI_ACTIVITY_KIND_MEMCPY": (*_TIMES, *_PLACE, *_COPY),
    "CUPTI_ACTIVITY_KIND_MEMSET": (*_TIMES, *_PLACE, "value", "bytes", "graphNodeId"),
    "CUDA_GRAPH_EVENTS": (*_TIMES, "eventClass", "globalTid", "nameId", "graphNodeId", "originalGraphNodeId"),
    "NVTX_EVENTS": _NVTX,
    "OSRT_API": (*_TIMES, "eventClass", "globalTid", "nameId", "returnValue", "nestingLevel", "callchainId"),
    "PROFILER_OVERHEAD": (*_TIMES, "globalTid", "nameId", "returnValue"),
}
_SCHEMA_22 = {table: columns for table, columns in _EARLY_2021.items() if table != "TARGET_INFO_CUDA_GPU"} | {
    "TARGET_INFO_GPU": _GPU,
    "CUPTI_ACTIVITY_KIND_RUNTIME": (*_EARLY_2021["CUPTI_ACTIVITY_KIND_RUNTIME"], "callchainId"),
    "CUPTI_ACTIVITY_KIND_KERNEL": (*_TIMES, *_PLACE, *_KERNEL, "sharedMemoryLimitConfig"),
}
_SCHEMA_23 = {table: columns for table, columns in _SCHEMA_22.items() if table != "EXPORT_META_DATA"} | {
    "META_DATA_EXPORT": _META,
    "CUPTI_ACTIVITY_KIND_KERNEL": (*_TIMES, *_GREEN_PLACE, *_KERNEL, "sharedMemoryLimitConfig"),
    "CUPTI_ACTIVITY_KIND_MEMCPY": (*_TIMES, *_GREEN_PLACE, *_COPY),
    "GPU_METRICS": ("timestamp", "typeId", "metricId", "value"),
}
_SCHEMA_25 = _SCHEMA_23 | {
    "TARGET_INFO_CUDA_DEVICE": ("gpuId", "cudaId", "pid"),
    "CUPTI_ACTIVITY_KIND_KERNEL": (*_SCHEMA_23["CUPTI_ACTIVITY_KIND_KERNEL"], "graphId", "clusterX"),
    "CUPTI_ACTIVITY_KIND_GRAPH_TRACE": (*_TIMES, *_GREEN_PLACE, "graphId", "graphExecId"),
    "CUDA_GRAPH_EVENTS": (*_TIMES, "eventClass", "globalTid", "nameId", "graphId", "originalGraphId", "graphExecId"),
    "NVTX_EVENTS": (*_NVTX, "binaryData"),
    "PROFILER_OVERHEAD": (*_TIMES, "globalTid", "nameId", "overheadType"),
    "CUPTI_ACTIVITY_KIND_OVERHEAD": (*_TIMES, "eventClass", "globalTid", "correlationId", "nameId", "overheadType"),
    "DIAGNOSTIC_EVENT": ("timestamp", "timestampType", "source", "severity", "text", "globalPid"),
}

# By the version of nsys that wrote it: the schema's version and the columns of each table.
SCHEMAS: dict[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "2021.1.1": ("", _EARLY_2021),
    "2022.4.2": ("2.10.0", _SCHEMA_22),
    "2023.4.1": ("3.1.7", _SCHEMA_23),
    "2025.5.2": ("3.24.0", _SCHEMA_25),
}


class WriteExport(Protocol):
    """Write an export as one version of nsys would: tables with rows only, and only the columns it knew.

    `schema` stands in for the version's own; `without` is a column that all tables lack.
    """

    def __call__(self, version: str, rows: Rows, *, schema: str = ..., without: str = ...) -> Path: ...


@pytest.fixture(params=SCHEMAS)
def version(request: pytest.FixtureRequest) -> str:
    """Give each version of nsys in turn."""
    return str(request.param)


@pytest.fixture
def write_export(tmp_path: Path) -> WriteExport:
    """Give the function that writes a database."""

    def write(version: str, rows: Rows, *, schema: str = "", without: str = "") -> Path:
        path = tmp_path / "export.sqlite"
        path.unlink(missing_ok=True)
        own_schema, tables = SCHEMAS[version]
        meta = [{"name": "EXPORT_PRODUCT_VERSION", "value": version}]
        if schema or own_schema:
            meta.append({"name": "EXPORT_SCHEMA_VERSION", "value": schema or own_schema})
        connection = sqlite3.connect(path)
        for table, columns in tables.items():
            held = meta if columns is _META else rows.get(table, ())
            names = [name for name in columns if name != without]
            if held:
                quoted = ", ".join(f'"{name}"' for name in names)
                connection.execute(f"CREATE TABLE {table} ({quoted})")
            for row in held:
                values = [row.get(name) for name in names]
                places = ", ".join("?" * len(values))
                connection.execute(f"INSERT INTO {table} VALUES ({places})", values)  # noqa: S608 - names of ours
        connection.commit()
        connection.close()
        return path

    return write
