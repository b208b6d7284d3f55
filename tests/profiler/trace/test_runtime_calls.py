"""The names that CUDA and HIP give to the same work."""

from __future__ import annotations

import pytest

from profiler.trace.runtime_calls import runtime_work


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("cudaLaunchKernel", "kernel_launches"),
        ("cudaLaunchKernelExC", "kernel_launches"),
        ("cudaLaunchCooperativeKernel", "kernel_launches"),
        ("cuLaunchKernel", "kernel_launches"),
        ("cuLaunchKernelEx", "kernel_launches"),
        ("hipLaunchKernel", "kernel_launches"),
        ("hipExtModuleLaunchKernel", "kernel_launches"),
        ("hipModuleLaunchKernel", "kernel_launches"),
        ("cudaGraphLaunch", "graph_launches"),
        ("cudaMemcpyAsync", "memcpys"),
        ("hipMemcpyWithStream", "memcpys"),
        ("cudaMemsetAsync", "memsets"),
        ("cudaDeviceSynchronize", "synchronizations"),
        ("cudaStreamSynchronize", "synchronizations"),
        ("cuCtxSynchronize", "synchronizations"),
        ("cudaStreamWaitEvent", None),
        ("cudaOccupancyMaxActiveBlocksPerMultiprocessor", None),
        ("aten::copy_", None),
    ],
)
def test_a_runtime_call_is_known_by_its_name(name: str, work: str | None) -> None:
    assert runtime_work(name) == work
