"""Claims about a GPU: the per-pixel loop there, and what shared memory does for a CUDA kernel."""

from __future__ import annotations

from profiler.attribution.evidence import Condition
from profiler.attribution.findings import Findings
from profiler.attribution.judging import Judgement, judged, threads_told
from profiler.attribution.library_claims import in_each_case
from profiler.attribution.subjects import LIBRARY, LOOP_ON_CPU
from profiler.units import ratio

__all__ = ["gpu_loop", "gpu_shared_memory"]

_LOOP = "article.torch_loop"
_DIRECT, _SHARED, _BLOCKED = "cuda.direct", "cuda.shared_memory", "cuda.register_blocked"


def _on_gpu(condition: Condition) -> bool:
    """Say whether a condition's tensors lie on a GPU."""
    return condition.device == "cuda"


def _gpu_loop(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C10 by both of its halves: the loop on the GPU against the same on the CPU, and against the library."""
    cpu = findings.ratio(_LOOP, LOOP_ON_CPU, condition)
    library = findings.ratio(_LOOP, LIBRARY, condition)
    if not _on_gpu(condition) or cpu is None or library is None:
        return None
    figure = f"{_LOOP} takes {cpu} of the time of {LOOP_ON_CPU} and {library} of {LIBRARY}"
    evidence = (
        f"on {condition.case}, the same loop with its tensors on the GPU and on the CPU, and {LIBRARY} on the GPU, in "
        f"the same rounds, {threads_told(condition.threads, condition.device)}"
    )
    sentence = (
        f"the loop on the GPU takes {ratio(cpu.value)} the time of the loop on the CPU, and {ratio(library.value)} "
    )
    sentence += f"that of {LIBRARY}"
    return judged([cpu.below, library.above], [cpu.above, library.below], figure, evidence, sentence)


def _gpu_shared_memory(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C12: the CUDA kernel with tiles in shared memory against the one that reads global memory."""
    found = findings.ratio(_SHARED, _DIRECT, condition)
    if not _on_gpu(condition) or found is None:
        return None
    beside = [f"{name} {each}" for name, each in findings.against([_BLOCKED, LIBRARY], _DIRECT, condition)]
    evidence = (
        f"on {condition.case}, kernels of one source, compiled alike, in the same rounds; both run in thread blocks, "
        "as any CUDA kernel does, so that what is tested is shared memory"
    )
    evidence += f"; also over {_DIRECT}: {'; '.join(beside)}" if beside else ""
    figure = f"{_SHARED} takes {found} of the time of {_DIRECT}"
    sentence = f"with tiles in shared memory the CUDA kernel takes {ratio(found.value)} of its time without"
    return judged([found.below], [found.above], figure, evidence, sentence)


gpu_loop = in_each_case(
    _gpu_loop, f"an NVIDIA GPU, and {_LOOP}, {LOOP_ON_CPU} and {LIBRARY} there: `convprof analyze --device cuda`"
)
gpu_shared_memory = in_each_case(
    _gpu_shared_memory,
    f"an NVIDIA GPU, and {_DIRECT} and {_SHARED} there: `convprof analyze --device cuda`; what the compiler makes of "
    f"them, in registers, shared memory and occupancy, needs none: `convprof list --asm {_SHARED}`; of recorded traces "
    "docs/device.md tells",
)
