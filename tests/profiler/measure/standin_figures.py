"""Take every figure of a device on the stand-in, and print them as JSON; run by the tests in a process of its own.

Its operators take 2 ms each, asleep in the device's thread; the host needs far less to enqueue one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from profiler.measure.device import Accelerator
from profiler.measure.device_cells import DeviceCells
from profiler.measure.device_times import Filler, isolated_block, queued_block, separate_block

HOST_S = 0.004


def _asleep_on_the_host(call: Callable[[], Any]) -> Callable[[], Any]:
    def slow() -> Any:
        time.sleep(HOST_S)
        return call()

    return slow


def main() -> None:
    device = Accelerator("standin")
    one = torch.ones(1, device="standin")

    def call() -> Any:
        return one.add_(1.0)

    def waits() -> Any:
        one.add_(1.0)
        float(one)
        return one

    filler = Filler(device)
    host_bound = _asleep_on_the_host(call)
    throughput_s = _throughput(device, host_bound, 10)
    queued = queued_block(device, filler, host_bound, 5, lead_s=0.5)
    not_ahead = queued_block(device, filler, host_bound, 5, lead_s=0.0)
    warm = separate_block(device, filler, call, 5, 0.1, flush=False)
    flushed = separate_block(device, filler, call, 5, 0.1, flush=True)
    retried = DeviceCells(device).take("device_only", host_bound, 8, 0.001)
    hopeless = DeviceCells(device).take("device_only", waits, 8, 0.001)
    with torch.inference_mode():
        made_there = Filler(device)
    made_there.passes(1)
    figures = {
        "pass": filler.pass_s,
        "throughput": throughput_s,
        "latency": isolated_block(device, host_bound, 5).seconds_per_call,
        "device_only": queued.block.seconds_per_call,
        "ahead": queued.ahead,
        "not_ahead": not_ahead.ahead,
        "cache_warm": [warm.block.seconds_per_call, warm.ahead],
        "cache_flushed": [flushed.block.seconds_per_call, flushed.ahead],
        "retried": [None if retried.block is None else retried.block.seconds_per_call, retried.calls, retried.lead_s],
        "hopeless": [hopeless.block is None, hopeless.reason],
        "peak": device.peak_bytes(call),
    }
    json.dump(figures, sys.stdout)


def _throughput(device: Accelerator, call: Callable[[], Any], calls: int) -> float:
    device.synchronize()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    device.synchronize()
    return (time.perf_counter() - start) / calls


if __name__ == "__main__":
    main()
