"""What kernels ran, one row for those alike, with the bytes and operations that counters measured or shapes tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import UNKNOWN, Counters
from profiler.trace.kernel_kinds import KernelKind, kernel_kind
from profiler.trace.launch_join import Linked

__all__ = ["Amount", "Basis", "KernelGroup", "kernel_groups"]

Basis = Literal["measured", "modelled", "unknown"]

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]
_NANO = 1e-9

# Nsight Compute's names. https://docs.nvidia.com/nsight-compute/ProfilingGuide/#metrics-reference
_MEMORY_METRICS = re.compile(r"dram__bytes_(read|write)\.sum")
_FLOP_METRICS = re.compile(r"smsp__sass_thread_inst_executed_op_[dfh](add|mul|fma)_pred_on\.sum")


@dataclass(frozen=True)
class Amount:
    """Hold an amount per launch, and whether counters measured it or a model of the operator gives at least that."""

    value: float
    basis: Basis

    @classmethod
    def unknown(cls) -> Amount:
        """Give what is not known."""
        return cls(np.nan, "unknown")


@dataclass(frozen=True)
class KernelGroup:
    """Hold launches of one kernel that are alike: same stream, grid, block and resources; -1 where not known.

    `seconds` are all launches' together on the device's own clock, NaN where only counters were recorded. `operator` is
    the one that most of them were launched in, '' for none. `bytes` and `flops` are per launch.
    """

    kernel: str
    kind: KernelKind
    operator: str
    device: int
    stream: int
    launches: int
    seconds: float
    median_s: float
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    registers: int
    shared_bytes: int
    local_bytes_per_thread: int
    occupancy: float
    bytes: Amount
    flops: Amount

    @property
    def bytes_per_s(self) -> float:
        """Give the achieved rate of memory traffic."""
        return self.bytes.value * self.launches / self.seconds if self.seconds > 0 else np.nan

    @property
    def flops_per_s(self) -> float:
        """Give the achieved rate of floating-point operations."""
        return self.flops.value * self.launches / self.seconds if self.seconds > 0 else np.nan


def kernel_groups(linked: Linked, chosen: NDArray[np.bool_] | None = None) -> list[KernelGroup]:
    """Group the kernels of a trace, or the chosen activities of it, the longest in all first."""
    activities = linked.trace.activities
    kernels = activities.of_kind("kernel", "graph")
    rows = np.flatnonzero(kernels if chosen is None else kernels & chosen)
    counters = linked.trace.counters
    measured = {
        "bytes": _by_kernel(counters, _MEMORY_METRICS, {}),
        "flops": _by_kernel(counters, _FLOP_METRICS, {"fma": 2.0}),
    }
    models = _models(linked, rows)
    groups = [_group(linked, members, measured, models) for members in _alike(linked, rows)]
    if chosen is None:
        groups += _counted_only(counters, {group.kernel for group in groups}, measured)
    return sorted(groups, key=lambda group: (-np.nan_to_num(group.seconds), group.kernel))


def _alike(linked: Linked, rows: _Integers) -> list[_Integers]:
    if not len(rows):
        return []
    activities = linked.trace.activities
    keys = np.column_stack(
        [
            activities.name_codes[rows],
            activities.device[rows],
            activities.stream[rows],
            activities.grid[rows],
            activities.block[rows],
            activities.registers[rows],
            activities.shared_bytes[rows],
            activities.local_bytes_per_thread[rows],
        ]
    )
    _, group = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(group.ravel()[order])) + 1)


def _group(
    linked: Linked,
    rows: _Integers,
    measured: Mapping[str, Mapping[str, float]],
    models: Mapping[str, _Floats],
) -> KernelGroup:
    activities = linked.trace.activities
    first = int(rows[0])
    name = activities.name_of(first)
    duration = activities.duration_ns[rows] * _NANO
    return KernelGroup(
        kernel=name,
        kind=kernel_kind(name),
        operator=_usual_operator(linked, rows),
        device=int(activities.device[first]),
        stream=int(activities.stream[first]),
        launches=len(rows),
        seconds=float(duration.sum()),
        median_s=float(np.median(duration)),
        grid=_triple(activities.grid[first]),
        block=_triple(activities.block[first]),
        registers=int(activities.registers[first]),
        shared_bytes=int(activities.shared_bytes[first]),
        local_bytes_per_thread=int(activities.local_bytes_per_thread[first]),
        occupancy=float(activities.occupancy[first]),
        bytes=_amount(name, measured["bytes"], models["bytes"][rows]),
        flops=_amount(name, measured["flops"], models["flops"][rows]),
    )


def _amount(name: str, measured: Mapping[str, float], modelled: _Floats) -> Amount:
    if name in measured:
        return Amount(measured[name], "measured")
    # A mean over some launches only would speak for others of which nothing is known.
    mean = float(np.mean(modelled))
    return Amount(mean, "modelled") if np.isfinite(mean) else Amount.unknown()


def _usual_operator(linked: Linked, rows: _Integers) -> str:
    operators = linked.trace.operators
    around = linked.operator_of[rows]
    codes = operators.name_codes[around[around >= 0]]
    if not len(codes):
        return ""
    return operators.names[int(np.bincount(codes).argmax())]


def _triple(row: _Integers) -> tuple[int, int, int]:
    x, y, z = row.tolist()
    return x, y, z


def _models(linked: Linked, rows: _Integers) -> dict[str, _Floats]:
    """Give what the operator around a kernel must read and compute, where it launched this one and no other."""
    size = len(linked.trace.activities)
    models = {"bytes": np.full(size, np.nan), "flops": np.full(size, np.nan)}
    operators = linked.trace.operators
    inside = rows[linked.operator_of[rows] >= 0]
    around = linked.operator_of[inside]
    alone = np.bincount(around, minlength=len(operators))[around] == 1
    models["bytes"][inside[alone]] = operators.input_bytes[around[alone]]
    models["flops"][inside[alone]] = operators.flops[around[alone]]
    return models


def _by_kernel(counters: Counters, wanted: re.Pattern[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Sum the metrics that a pattern knows, and average over the ranges of each kernel."""
    chosen = {metric: found for metric in counters.metrics if (found := wanted.fullmatch(metric))}
    if not chosen:
        return {}
    total = np.sum([weights.get(found[1], 1.0) * counters.metrics[metric] for metric, found in chosen.items()], axis=0)
    return {
        name: float(np.mean(total[counters.name_codes == code]))
        for code, name in enumerate(counters.names)
        if np.isfinite(total[counters.name_codes == code]).all()
    }


def _counted_only(
    counters: Counters, known: set[str], measured: Mapping[str, Mapping[str, float]]
) -> Sequence[KernelGroup]:
    """Give the kernels that only counters tell of: their replays have no time of their own."""
    nowhere = (UNKNOWN, UNKNOWN, UNKNOWN)
    return [
        KernelGroup(
            kernel=name,
            kind=kernel_kind(name),
            operator="",
            device=int(counters.device[counters.name_codes == code][0]),
            stream=UNKNOWN,
            launches=int(np.sum(counters.name_codes == code)),
            seconds=np.nan,
            median_s=np.nan,
            grid=nowhere,
            block=nowhere,
            registers=UNKNOWN,
            shared_bytes=UNKNOWN,
            local_bytes_per_thread=UNKNOWN,
            occupancy=np.nan,
            bytes=Amount(measured["bytes"][name], "measured") if name in measured["bytes"] else Amount.unknown(),
            flops=Amount(measured["flops"][name], "measured") if name in measured["flops"] else Amount.unknown(),
        )
        for code, name in enumerate(counters.names)
        if name not in known
    ]
