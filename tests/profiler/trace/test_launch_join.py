"""Launch latency, queueing, and what of a launch nothing hides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiler.trace.launch_join import Linked

MakeEvent = Callable[..., dict[str, Any]]
LinkTrace = Callable[..., Linked]


def test_a_launch_costs_what_the_device_waits_for_it(link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent) -> None:
    linked = link_trace(
        [
            call("cudaLaunchKernel", 100.5, 2, 1),
            call("cudaLaunchKernel", 103.5, 2, 2),
            call("cudaLaunchKernel", 106.5, 20, 3),
            call("cudaLaunchKernel", 150.5, 2, 4),
            call("cudaMemsetAsync", 160.5, 2, 5),  # of no bytes: leaves no activity
            kernel(104.5, 10, 1),  # on its way for 4: exposed
            kernel(115.5, 5, 2),  # launched while the one before was waiting: the gap of 1 is no launch's
            kernel(128.5, 5, 3),  # its call ran when the device fell idle at 120.5: 8 exposed
            kernel(155.5, 5, 4),  # the device was idle long before: 5 from the call on
        ]
    )
    launches = linked.launches
    assert launches.joined.tolist() == [True] * 4 + [False]
    assert launches.delay_ns[:4].tolist() == [4000, 12000, 22000, 5000]
    assert launches.queue_depth.tolist() == [0, 1, 1, 0, -1]
    assert launches.exposed_ns.tolist() == [4000, 0, 8000, 5000, -1]


def test_another_stream_hides_a_launch_but_is_another_queue(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    linked = link_trace(
        [
            call("cudaLaunchKernel", 100.5, 1, 1),
            call("cudaLaunchKernel", 102.5, 1, 2),
            kernel(103.5, 30, 1, stream=7),
            kernel(110.5, 3, 2, stream=8),
        ]
    )
    assert linked.launches.queue_depth.tolist() == [0, 0]
    assert linked.launches.exposed_ns.tolist() == [3000, 0]


def test_a_graph_is_one_launch_of_many_kernels(link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent) -> None:
    linked = link_trace(
        [call("cudaGraphLaunch", 100.5, 5, 1), kernel(112.5, 1, 1), kernel(108.5, 2, 1), kernel(114.5, 1, 1)]
    )
    assert linked.call_of.tolist() == [0, 0, 0]
    assert linked.launches.delay_ns.tolist() == [8000]
    assert linked.launches.exposed_ns.tolist() == [8000]
