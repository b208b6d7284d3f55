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
        ("cudaLaunchKernel_ptsz", "kernel_launches"),
        ("cudaLaunchCooperativeKernelMultiDevice", "kernel_launches"),
        ("cudaLaunch_v3020", "kernel_launches"),
        ("cuLaunch", "kernel_launches"),
        ("cuLaunchGridAsync", "kernel_launches"),
        ("cuLaunchCooperativeKernel", "kernel_launches"),
        ("hipModuleLaunchCooperativeKernel", "kernel_launches"),
        ("hipDrvLaunchKernelEx", "kernel_launches"),
        ("hipExtLaunchKernel", "kernel_launches"),
        ("hipExtLaunchMultiKernelMultiDevice", "kernel_launches"),
        ("clEnqueueNDRangeKernel", "kernel_launches"),
        ("clEnqueueTask", "kernel_launches"),
        ("cudaLaunchHostFunc", None),
        ("cudaGraphLaunch", "graph_launches"),
        ("hipGraphLaunch", "graph_launches"),
        ("cuGraphLaunch", "graph_launches"),
        ("clEnqueueReadBuffer", "memcpys"),
        ("clEnqueueCopyBufferRect", "memcpys"),
        ("clEnqueueFillBuffer", "memsets"),
        ("clFinish", "synchronizations"),
        ("cudaMalloc", "device_allocations"),
        ("cudaMallocAsync", "device_allocations"),
        ("cudaFree", "device_allocations"),
        ("cuMemCreate", "device_allocations"),
        ("hipHostMalloc", "device_allocations"),
        ("clCreateBuffer", "device_allocations"),
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
