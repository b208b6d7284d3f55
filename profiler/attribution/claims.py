"""The article's thirteen claims, each judged by one function from what a run measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from profiler.attribution.cold_order import cold_order
from profiler.attribution.evidence import Condition
from profiler.attribution.findings import Findings
from profiler.attribution.gather import Gathered
from profiler.attribution.gpu_claims import gpu_loop, gpu_shared_memory
from profiler.attribution.judging import Judgement, judged, threads_told, with_other_threads
from profiler.attribution.library_claims import (
    batch_handling,
    fewer_copies,
    generality,
    gradient_coupling,
    in_each_case,
    stride_one_unpadded,
)
from profiler.attribution.subjects import COMPILED, LIBRARY, class_of, unoptimised
from profiler.attribution.tailored import manual_beats_module, small_is_pronounced
from profiler.units import ratio, size

__all__ = ["CLAIMS", "Claim", "claim_table_rows"]


@dataclass(frozen=True)
class Claim:
    """Hold one claim, in one sentence, and the function that judges it."""

    id: str
    statement: str
    judge: Callable[[Findings], Judgement]


def compiler_flags(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C8: the same source under other flags against -O0."""
    compiled = [name for name in findings.names(condition) if class_of(name) == COMPILED and unoptimised(name) != name]
    pairs = [
        (name, found) for each in compiled for name, found in findings.against([each], unoptimised(each), condition)
    ]
    if not pairs:
        return None
    name, best = min(pairs, key=lambda pair: pair[1].value)
    apart = any(found.above or found.below for _, found in pairs)
    told = "; ".join(f"{name} {found}" for name, found in pairs)
    evidence = f"on {condition.case}, {threads_told(condition.threads, condition.device)}, over -O0: {told}"
    sentence = f"{name} takes {ratio(best.value)} of the time of {unoptimised(name)}"
    return judged([apart], [], f"{name} takes {best} of the time of -O0", evidence, sentence)


def numpy_loop_benefits(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C9: the NumPy loop against vectorised NumPy (is it slow?) and against plain Python (does it benefit?)."""
    slow = findings.ratio("article.numpy_loop", "numpy.shift_add", condition)
    benefit = findings.ratio("article.numpy_loop", "python.loop", condition)
    if slow is None or benefit is None:
        return None
    says = "it cannot be told from a loop over Python's own numbers"
    if benefit.above:
        says = "a loop over Python's own numbers is faster, so NumPy's calls a pixel cost more than they vectorise"
    if benefit.below:
        says = "a loop over Python's own numbers is slower, so the products of a pixel gain from NumPy"
    figure = f"{slow} of numpy.shift_add, {benefit} of python.loop"
    evidence = f"article.numpy_loop on {condition.case}, {threads_told(condition.threads, condition.device)}: {says}"
    sentence = (
        f"the NumPy loop takes {ratio(slow.value)} the time of NumPy's shifted adds, and "
        f"{ratio(benefit.value)} that of the same loop without NumPy"
    )
    return judged([slow.above, benefit.below], [slow.below, benefit.above], figure, evidence, sentence)


def blas_accelerates(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C11: im2col and a matrix product against shifted adds, in NumPy and in torch, on the same arrays."""
    pairs = {
        (where, product, plain): found
        for where, product, plain in (
            ("NumPy", "numpy.im2col", "numpy.shift_add"),
            ("torch", "torch.unfold", "torch.shift_add"),
        )
        if (found := findings.ratio(product, plain, condition)) is not None
    }
    if not pairs or condition.device != "cpu":
        return None
    beside = ["numpy.im2col", "torch.unfold", "numpy.sliding_window"]
    others = [f"{name} {found}" for name, found in findings.against(beside, LIBRARY, condition)]
    evidence = f"on {condition.case}, {threads_told(condition.threads, condition.device)}"
    evidence += f"; over {LIBRARY}: {'; '.join(others)}" if others else ""
    if scratch := findings.scratch_bytes(LIBRARY, condition):
        evidence += f"; {LIBRARY} fills {size(scratch)} of scratch itself, so it may be im2col and BLAS as well"
    values = pairs.values()
    figure = "; ".join(f"{product} takes {found} of {plain}" for (_, product, plain), found in pairs.items())
    told = " and ".join(f"{ratio(found.value)} in {where}" for (where, *_), found in pairs.items())
    sentence = f"im2col and a matrix product take, against shifted adds, {told}"
    return judged([found.below for found in values], [found.above for found in values], figure, evidence, sentence)


CLAIMS: tuple[Claim, ...] = (
    Claim("C1", "The library's generality costs time on one channel.", generality),
    Claim("C2", "A manual convolution tailored to the case beats nn.Conv2d.", manual_beats_module),
    Claim("C3", "The difference is most pronounced for small kernels and inputs.", small_is_pronounced),
    Claim("C4", "Batch handling costs something even at batch 1.", batch_handling),
    Claim("C5", "Stride 1 with padding 0 is not fully exploited.", stride_one_unpadded),
    Claim("C6", "The coupling with gradient computation adds overhead.", gradient_coupling),
    Claim("C7", "A manual version avoids copies and indirections and uses caches better.", fewer_copies),
    Claim(
        "C8",
        "Compiler flags matter.",
        in_each_case(
            compiler_flags,
            "a C compiler, and c.direct[-O0] beside another build: `convprof analyze`",
        ),
    ),
    Claim(
        "C9",
        "The NumPy per-pixel loop is slow yet benefits from NumPy's vectorisation.",
        in_each_case(
            numpy_loop_benefits, "article.numpy_loop, numpy.shift_add and python.loop on one case: `convprof analyze`"
        ),
    ),
    Claim(
        "C10", "The per-pixel torch loop on a GPU is faster than the CPU loop, but slower than the library.", gpu_loop
    ),
    Claim(
        "C11",
        "BLAS (im2col) accelerates CPU convolution.",
        in_each_case(
            blas_accelerates,
            "numpy.im2col beside numpy.shift_add, or torch.unfold beside torch.shift_add: `convprof analyze --case "
            "claims --impl numpy.im2col --impl numpy.shift_add --impl torch.unfold --impl torch.shift_add --time 1800`",
        ),
    ),
    Claim("C12", "Shared memory and thread blocks accelerate the CUDA kernel.", gpu_shared_memory),
    Claim(
        "C13",
        "The article's way of timing (one cold call) gives the right order.",
        in_each_case(cold_order, "cold times of three implementations whose steady order is clear: let the run finish"),
    ),
)


def claim_table_rows(gathered: Gathered) -> list[dict[str, Any]]:
    """Judge every claim with one thread, then with each other number, and give the rows of the table `claims`."""
    findings = Findings(gathered)
    others = [Findings(gathered, threads) for threads in sorted({each.threads for each in gathered.conditions} - {1})]
    rows = []
    for claim in CLAIMS:
        judgement = claim.judge(findings)
        judgement = with_other_threads(judgement, [(other.threads, claim.judge(other)) for other in others])
        rows.append(
            {
                "claim": claim.id,
                "statement": claim.statement,
                "verdict": judgement.told,
                "sentence": judgement.sentence,
                "figure": judgement.figure,
                "evidence": judgement.evidence,
            }
        )
    return rows
