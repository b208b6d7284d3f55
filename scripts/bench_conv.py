"""Time the fastest manual convolution against what a user would pick instead, and against the machine's limits.

conv [--quick] [--only TEXT] [--threads N] [--seconds S] [--json FILE]

Everything of a row is timed in interleaved rounds of one process, pinned where permitted: ours with an output buffer
and with fresh outputs, each peer that is installed likewise (`x` where it is not). Ratios are a peer's time over ours
in the same round, their median over all rounds; `of peak` are the case's multiply-adds over the processor's, measured
in the same rounds, `of copy` the time of copying the image over ours. A ratio over the larger of the two is what an
implementation at that limit would reach, on this machine. Kernels of 11x11 have a second line for fast FIR, which needs
fewer multiply-adds than are counted. A second table is a fair reader's second figure: glibc is told to keep its memory,
since part of the library's time are page faults. Judges nothing: exit code 0.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_HERE = Path(__file__).parent
_OURS = ("c.simd", "c.simd[fast_fir]")
_PEERS = ("torch.conv2d", "opencv.filter2d", "ipp.filter_border")
_BLOCK_S = 2e-3
_CHILD = "CONVPROF_BENCH"
_RECYCLING = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=67108864"
_ALLOCATORS: Mapping[str, Mapping[str, str]] = {
    "the allocator as it is": {},
    "the allocator told to keep its memory, so that page faults vanish": {"GLIBC_TUNABLES": _RECYCLING},
}
_SIZES = {
    3: (8, 16, 64, 100, 128, 256, 512, 1024, 2048, 4096),
    5: (100, 512, 1024, 2048),
    7: (100, 512, 1024, 2048),
    11: (100, 512, 1024, 2048),
}
_QUICK = {3: (16, 100, 512), 11: (100,)}


@dataclass(frozen=True)
class Contender:
    """Hold one thing that is timed in every round; `calls` fill a block."""

    name: str
    call: Callable[[], Any]
    calls: int


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four cases")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each case")
    parser.add_argument("--json", type=Path, help="write all rows to this file too, a JSON object a line")
    given = parser.parse_args()
    if _CHILD in os.environ:
        _table(given)
        return
    for allocator, variables in _ALLOCATORS.items():
        print(f"\n{allocator}", flush=True)
        _in_environment(given, variables)


def _table(given: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(given.threads)
    if given.threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(_heading())
    with torch.inference_mode():
        for name in _names(given):
            for row in _rows(name, given.threads, given.seconds):
                print(_line(row), flush=True)
                if given.json is not None:
                    with given.json.open("a") as file:
                        file.write(json.dumps({**row, "allocator": os.environ.get("GLIBC_TUNABLES", "")}) + "\n")


def _in_environment(given: argparse.Namespace, variables: Mapping[str, str]) -> None:
    """Make the table in a process with the environment that thread pools and the allocator read when they load."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(given.threads))
    paths = os.pathsep.join(filter(None, [str(_HERE.parent), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, **threads, **variables, _CHILD: "1", "PYTHONPATH": paths}
    subprocess.run([sys.executable, *sys.argv], env=environment, check=True)


def _names(given: argparse.Namespace) -> Iterator[str]:
    for kernel, sizes in (_QUICK if given.quick else _SIZES).items():
        for size in sizes:
            name = f"ic1ih{size}oc1kh{kernel}ph{kernel // 2}"
            if given.only in name:
                yield name


def _rows(name: str, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    from impls.case import ConvCase
    from impls.data import make_data

    case = ConvCase.parse(name)
    data = make_data(case, seed=5)
    contenders = list(_contenders(case, data))
    times = _times(contenders, seconds)
    for name_of_ours in _OURS:
        if f"{name_of_ours} out" in times:
            yield _row(case, name_of_ours, times, threads)


def _row(case: Any, name_of_ours: str, times: Mapping[str, list[float]], threads: int) -> dict[str, Any]:
    ours = {kind: times[f"{name_of_ours}{kind}"] for kind in (" out", " fresh")}
    row: dict[str, Any] = {"case": case.name, "ours": name_of_ours, "threads": threads, "rounds": len(ours[" out"])}
    row["seconds"] = statistics.median(ours[" out"])
    row["of_peak"] = case.flops * _ratio(times["peak"], ours[" out"]) / (_PEAK_FLOPS * max(1, threads))
    row["of_copy"] = _ratio(times["copy"], ours[" out"])
    for peer in _PEERS:
        for kind, own in ours.items():
            found = times.get(f"{peer}{kind}", times.get(f"{peer} fresh") if peer == "torch.conv2d" else None)
            row[f"{peer}{kind}"] = None if found is None else _ratio(found, own)
    return row


def _contenders(case: Any, data: Any) -> Iterator[Contender]:
    from impls.catalog import find
    from impls.data import as_given
    from impls.errors import UnknownImplementation

    for name in (*_OURS, *_PEERS):
        try:
            implementation = find(name)
        except UnknownImplementation:
            continue
        if not implementation.available(case).available:
            continue
        into = [switch.prepare for switch in implementation.switches if switch.name == "output_buffer"]
        for kind, prepare in ((" fresh", implementation.prepare), *((" out", prepare) for prepare in into if prepare)):
            yield _contender(name + kind, prepare(case, *as_given(implementation, data)))
    target = np.empty_like(data.image)
    yield _contender("copy", lambda: np.copyto(target, data.image))
    yield _contender("peak", _peak())


_PEAK_ROUNDS = 20_000
_PEAK_FLOPS = 2 * 16 * 12 * _PEAK_ROUNDS  # of scripts/peak.c


def _peak() -> Callable[[], Any]:
    from impls.compiled.compiler import build

    function = ctypes.CDLL(str(build(_HERE / "peak.c", ["-O3", "-march=native", "-mprefer-vector-width=512"]))).peak
    function.argtypes, function.restype = (ctypes.c_long,), ctypes.c_float
    return lambda: function(_PEAK_ROUNDS)


def _contender(name: str, call: Callable[[], Any]) -> Contender:
    call()
    start = time.perf_counter()
    call()
    taken = max(time.perf_counter() - start, 1e-7)
    calls = max(1, round(0.1 * _BLOCK_S / taken))
    start = time.perf_counter()
    for _ in range(calls):
        call()
    taken = max((time.perf_counter() - start) / calls, 1e-8)
    return Contender(name, call, max(1, round(_BLOCK_S / taken)))


def _times(contenders: Sequence[Contender], seconds: float) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {each.name: [] for each in contenders}
    order = list(contenders)
    deadline = time.perf_counter() + seconds
    while len(next(iter(times.values()))) < 5 or time.perf_counter() < deadline:
        random.shuffle(order)
        for each in order:
            for _ in range(each.calls // 2):
                each.call()
            start = time.perf_counter_ns()
            for _ in range(each.calls):
                each.call()
            times[each.name].append((time.perf_counter_ns() - start) / 1e9 / each.calls)
    return times


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def _heading() -> str:
    peers = "".join(f"{peer.partition('.')[0] + kind:>15}" for peer in _PEERS for kind in (" out", " fresh"))
    return f"{'case':<22}{'ours':<18}{'threads':>8}{'ours':>12}{'of peak':>9}{'of copy':>9}{peers}"


def _line(row: dict[str, Any]) -> str:
    ratios = [row[f"{peer}{kind}"] for peer in _PEERS for kind in (" out", " fresh")]
    cells = "".join(f"{'x' if ratio is None else f'{ratio:.2f}x':>15}" for ratio in ratios)
    return (
        f"{row['case']:<22}{row['ours']:<18}{row['threads']:>8}{row['seconds'] * 1e6:>9.2f} us{row['of_peak']:>9.0%}"
        f"{row['of_copy']:>9.0%}{cells}"
    )


if __name__ == "__main__":
    main()
