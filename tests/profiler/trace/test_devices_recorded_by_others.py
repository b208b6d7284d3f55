"""Real traces of many devices and years: every total is that of an independent count of the file's own JSON."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from profiler.trace.device_events import KINDS
from profiler.trace.device_states import BUSY, STATES, state_times
from profiler.trace.kineto_device import read_kineto
from profiler.trace.launch_join import link

_FOLDER = Path(__file__).parents[4] / "shared" / "traces" / "kineto"
# One of every age, maker and quirk; the largest one once.
_NAMES = (
    "amd_trace__mi250_minitoy_train_ROCm6_2_kineto.json.gz",
    "critical_path__alexnet__benchmark_result_2869224_1695835535_trace.json.gz",
    "critical_path__cuda_event_sync_multi_stream__event_sync_trace.json.gz",
    "cupti_profiler__benchmark_result_924719_1679055439_trace.json.gz",
    "trace_file_list__inference_rank_1.json.gz",
    "triton_example__triton_example.json.gz",
    "rank_non_gpu__rank_non_gpu.json.gz",
    "h100__Falconsai_nsfw_image_detection__1016002.json.gz",
    "h100__Qwen_Qwen1.5-0.5B-Chat__1016005.json.gz",
    "mi300__Falconsai_nsfw_image_detection__1016002.json.gz",
    "mi300__ddp_resnet18_no_pool__train_resnet18.json.gz",
    "df_index_resolver__df_index_resolver.json.gz",
)
_WORK = {
    "kernel": "kernel", "Kernel": "kernel", "gpu_memcpy": "memcpy", "Memcpy": "memcpy", "gpu_memset": "memset",
    "Memset": "memset",
}  # fmt: skip
_CALLS = ("cuda_runtime", "cuda_driver", "Runtime")


def _events(path: Path) -> list[dict[str, Any]]:
    content = json.loads(gzip.decompress(path.read_bytes()))
    return content["traceEvents"] if isinstance(content, dict) else content


def _nanoseconds(event: dict[str, Any], origin: float) -> tuple[int, int]:
    start = round((event["ts"] - origin) * 1000)
    return start, start + round(event["dur"] * 1000)


@pytest.mark.parametrize("name", _NAMES)
def test_totals_are_those_of_an_independent_count(name: str) -> None:
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip("the traces recorded by others are not beside this repository")
    trace = read_kineto(path)
    linked = link(trace)
    spans = [event for event in _events(path) if event.get("ph") == "X"]
    calls = [event for event in spans if event.get("cat") in _CALLS]
    work = [event for event in spans if event.get("cat") in _WORK]

    names = Counter(event["name"] for event in calls)
    assert Counter(trace.host_calls.name_of(row) for row in range(len(trace.host_calls))) == names
    kinds = Counter(KINDS[code] for code in trace.activities.kind_codes.tolist())
    assert kinds == Counter(_WORK[event["cat"]] for event in work)

    launched = {event["args"]["correlation"] for event in calls if "correlation" in event.get("args", {})}
    assert int((linked.call_of >= 0).sum()) == sum(event["args"].get("correlation") in launched for event in work)
    # The name of every kernel's call, found through the file's own rows.
    by_correlation = {event["args"]["correlation"]: event["name"] for event in calls}
    expected = Counter(by_correlation.get(event["args"].get("correlation"), "") for event in work)
    assert expected == Counter(trace.host_calls.name_of(row) if row >= 0 else "" for row in linked.call_of.tolist())

    sizes = {event["args"]["correlation"]: event["args"].get("size", event["args"].get("bytes")) for event in calls}
    moved = [
        event["args"].get("bytes", sizes.get(event["args"]["correlation"]))
        for event in work
        if _WORK[event["cat"]] != "kernel"
    ]
    known = trace.activities.bytes[trace.activities.bytes >= 0]
    assert int(known.sum()) == sum(bytes_ for bytes_ in moved if bytes_ is not None)

    _busy_time_is_that_of_a_merge(linked, work)


def _busy_time_is_that_of_a_merge(linked: Any, work: list[dict[str, Any]]) -> None:
    """Merge the work of each device in a loop, and compare with the states; each state's window is the trace's."""
    origin = min((event["ts"] for event in work), default=0.0)
    by_device: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for event in work:
        by_device[event["args"]["device"]].append(_nanoseconds(event, origin))
    expected = {}
    for device, intervals in by_device.items():
        total, until = 0, -1
        for start, end in sorted(intervals):
            total += max(0, end - max(start, until))
            until = max(until, end)
        expected[device] = total
    start, end = linked.trace.window
    found = {}
    for times in state_times(linked, [(start, end)]):
        assert int(times.nanoseconds.sum()) == end - start
        if times.queue.stream is None:
            found[times.queue.device] = int(times.nanoseconds[0, [STATES.index(state) for state in BUSY]].sum())
    assert found.keys() == expected.keys()
    for device, total in expected.items():
        # Starts rounded from another origin may differ by a nanosecond at each end of each piece of work.
        assert abs(found[device] - total) <= 2 * len(by_device[device])
        if linked.trace.resolution_ns == 1000:
            assert found[device] == total


def test_hardware_counters_of_a_real_trace_are_summed_by_kernel() -> None:
    from profiler.trace.kernels import kernel_groups

    path = _FOLDER / "cupti_profiler__benchmark_result_924719_1679055439_trace.json.gz"
    if not path.is_file():
        pytest.skip("the traces recorded by others are not beside this repository")
    total = 0.0
    for event in _events(path):
        if event.get("cat") == "cuda_profiler_range":
            for metric, value in event["args"].items():
                total += value * (2 if "fma" in metric else 1)
    groups = kernel_groups(link(read_kineto(path)))
    assert sum(group.flops.value * group.launches for group in groups) == pytest.approx(total)
    assert {group.flops.basis for group in groups} == {"measured"}
    assert sum(group.launches for group in groups) == 77
