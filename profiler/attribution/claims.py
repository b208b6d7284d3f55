"""The article's thirteen claims, each judged by one function from what a run measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from impls.case import ConvCase
from profiler.attribution.cold_order import cold_order
from profiler.attribution.evidence import Condition
from profiler.attribution.gather import Cell
from profiler.attribution.judging import Findings, Judgement, Ratio, joined, judged, not_testable
from profiler.units import size

__all__ = ["CLAIMS", "Claim", "claim_table_rows"]

_LIBRARY = "torch.conv2d"
_MODULE = "article.module"
_COMPILED = "c.direct"
_UNOPTIMISED = f"{_COMPILED}[-O0]"


@dataclass(frozen=True)
class Claim:
    """Hold one claim, in one sentence, and the function that judges it."""

    id: str
    statement: str
    judge: Callable[[Findings], Judgement]


def generality(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C1: what the library and a loop in C take for next to no work, where there is one channel.

    On the whole case they differ in their algorithms too, so a faster loop there says nothing of generality.
    """
    case = ConvCase.parse(condition.case)
    compiled = [name for name in _compiled(findings, condition) if name != _UNOPTIMISED]
    if case.in_channels * case.out_channels > 1 or not compiled:
        return None
    unit = case.smallest[0].name
    library = Cell(_LIBRARY, unit, mode="unit")
    found = {name: findings.cells(library, Cell(name, unit, mode="unit"), condition) for name in compiled}
    told = {name: ratio for name, ratio in found.items() if ratio is not None}
    if not told:
        return None
    name, fixed = min(told.items(), key=lambda each: each[1].value)
    whole = findings.ratio(_LIBRARY, name, condition)
    evidence = (
        f"a call on a 1x1 output, where next to nothing is computed: what the library does for any case, against a "
        f"function in C; on {condition.case}, where their algorithms differ as well, it takes {whole}; 1 thread"
    )
    return judged([fixed.above], [fixed.below], f"{_LIBRARY} takes {fixed} the time of {name}", evidence)


def manual_beats_module(findings: Findings) -> Judgement:
    """Judge C2: every manual implementation against the article's module, in every case."""
    pairs = [
        (f"{name} on {condition.case}" if len(findings.conditions) > 1 else name, found)
        for condition in findings.conditions
        for name, found in _against(findings, findings.names(condition, "manual"), _MODULE, condition)
    ]
    if not pairs:
        return not_testable(
            f"needs {_MODULE} and a manual implementation in one run: `convprof analyze --impl {_MODULE}`"
        )
    faster = [name for name, found in pairs if found.below]
    slower = [name for name, found in pairs if found.above]
    best, worst = min(pairs, key=lambda pair: pair[1].value), max(pairs, key=lambda pair: pair[1].value)
    figure = f"best {best[0]} {best[1]}"
    if worst != best:
        figure += f", worst {worst[0]} {worst[1]}"
    evidence = f"against {_MODULE}, 1 thread: {_listed('faster', faster)}; {_listed('slower', slower)}"
    if len(faster) + len(slower) < len(pairs) and not faster:
        return not_testable(f"the closest cannot be told from it here; a longer --time helps. {evidence}", figure)
    return judged([bool(faster)], [bool(slower)], figure, evidence)


def small_is_pronounced(findings: Findings) -> Judgement:
    """Judge C3: the library's time over the compiled loop's, on the smallest case against the largest."""
    ordered = sorted(findings.conditions, key=lambda condition: ConvCase.parse(condition.case).flops)
    remedy = (
        "needs c.direct and torch.conv2d on cases of different size: "
        "`convprof analyze --impl c.direct --case small --case photo`"
    )
    if len(ordered) < 2 or ConvCase.parse(ordered[0].case).flops == ConvCase.parse(ordered[-1].case).flops:
        return not_testable(remedy)
    small, large = ordered[0], ordered[-1]
    change = findings.ratio_of_ratios(_LIBRARY, _COMPILED, small, large)
    ends = findings.ratio(_LIBRARY, _COMPILED, small), findings.ratio(_LIBRARY, _COMPILED, large)
    if change is None or ends[0] is None or ends[1] is None:
        return not_testable(remedy)
    figure = f"{_LIBRARY} over {_COMPILED}: {ends[0]} on {small.case}, {ends[1]} on {large.case}"
    evidence = f"the first ratio is {change} of the second, resampled together, 1 thread"
    return judged([change.above], [change.below], figure, evidence)


def batch_handling(findings: Findings) -> Judgement:  # noqa: ARG001 - one signature for all
    """Judge C4: nothing in this version removes the batch dimension."""
    return not_testable(
        "needs the library called on one image without a batch dimension; no such switch in this version"
    )


def stride_one_unpadded(findings: Findings) -> Judgement:
    """Judge C5: the library without padding against the library with it, at the same output size."""
    for bare in findings.conditions:
        for padded in findings.conditions:
            if _same_but_padding(ConvCase.parse(bare.case), ConvCase.parse(padded.case)):
                found = findings.cells(Cell(_LIBRARY, bare.case), Cell(_LIBRARY, padded.case), bare)
                if found is not None:
                    figure = f"padding 0 takes {found} of the time with padding"
                    evidence = f"{_LIBRARY} on {bare.case} against {padded.case}: same output, stride 1, 1 thread"
                    return judged([found.above], [found.below], figure, evidence)
    return not_testable(
        "needs one problem with and without padding at the same output size: "
        "`convprof analyze --impl torch.conv2d --case ic1ih100oc1kh3ph1 --case ic1ih102oc1kh3`"
    )


def gradient_coupling(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C6: the article's module as it is against the same under inference_mode, in the same rounds."""
    without = Cell(_MODULE, condition.case, variant="inference_mode")
    found = findings.cells(Cell(_MODULE, condition.case), without, condition)
    if found is None:
        return None
    evidence = f"{_MODULE} with gradients enabled against the same under inference_mode, same rounds, 1 thread"
    return judged([found.above], [found.below], f"{found} of the time without gradients", evidence)


def fewer_copies(findings: Findings) -> Judgement:
    """Judge C7: how caches are used is not seen by this version; what the library copies for itself is its scratch."""
    figures = [
        f"on {condition.case}: {_LIBRARY} fills {size(scratch)} of scratch inside its operators each call"
        for condition in findings.conditions
        if (scratch := findings.scratch_bytes(_LIBRARY, condition)) > 0
    ]
    return not_testable(
        "needs hardware counters for the caches, or switches that remove a copy, neither of which this version has",
        "; ".join(figures),
    )


def compiler_flags(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C8: the same C source under other flags against -O0."""
    others = [name for name in _compiled(findings, condition) if name != _UNOPTIMISED]
    pairs = _against(findings, others, _UNOPTIMISED, condition)
    if not pairs:
        return None
    name, best = min(pairs, key=lambda pair: pair[1].value)
    apart = any(found.above or found.below for _, found in pairs)
    evidence = f"on {condition.case}, 1 thread, over -O0: " + "; ".join(f"{name} {found}" for name, found in pairs)
    return judged([apart], [], f"{name} takes {best} of the time of -O0", evidence)


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
    evidence = f"article.numpy_loop on {condition.case}, 1 thread: {says}"
    return judged([slow.above, benefit.below], [slow.below, benefit.above], figure, evidence)


def gpu_loop(findings: Findings) -> Judgement:  # noqa: ARG001 - one signature for all
    """Judge C10: an accelerator is needed."""
    return not_testable(
        "needs an accelerator, which this version does not measure: here the loop runs on the processor"
    )


def blas_accelerates(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C11: im2col and a matrix product against shifted adds, in NumPy and in torch, on the same arrays."""
    pairs = {
        f"{product} takes {found} of {plain}": found
        for product, plain in (("numpy.im2col", "numpy.shift_add"), ("torch.unfold", "torch.shift_add"))
        if (found := findings.ratio(product, plain, condition)) is not None
    }
    if not pairs:
        return None
    beside = ["numpy.im2col", "torch.unfold", "numpy.sliding_window"]
    others = [f"{name} {found}" for name, found in _against(findings, beside, _LIBRARY, condition)]
    evidence = f"on {condition.case}, 1 thread" + (f"; over {_LIBRARY}: {'; '.join(others)}" if others else "")
    if scratch := findings.scratch_bytes(_LIBRARY, condition):
        evidence += f"; {_LIBRARY} fills {size(scratch)} of scratch itself, so it may be im2col and BLAS as well"
    values = pairs.values()
    return judged([found.below for found in values], [found.above for found in values], "; ".join(pairs), evidence)


def gpu_shared_memory(findings: Findings) -> Judgement:  # noqa: ARG001 - one signature for all
    """Judge C12: an accelerator and CUDA kernels are needed."""
    return not_testable("needs an accelerator and CUDA kernels, which this version does not have")


def in_each_case(
    judge: Callable[[Findings, Condition], Judgement | None], remedy: str
) -> Callable[[Findings], Judgement]:
    """Make a judge of one case a judge of a run: every case it can judge, joined, or what would be needed."""

    def judge_all(findings: Findings) -> Judgement:
        found = [(condition.case, judge(findings, condition)) for condition in findings.conditions]
        told = [(case, judgement) for case, judgement in found if judgement is not None]
        return joined(told) if told else not_testable(f"needs {remedy}")

    return judge_all


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "C1",
        "The library's generality costs time on one channel.",
        in_each_case(generality, f"a C compiler ({_COMPILED}) and {_LIBRARY} on one channel: `convprof analyze`"),
    ),
    Claim("C2", "A manual convolution tailored to the case beats nn.Conv2d.", manual_beats_module),
    Claim("C3", "The difference is most pronounced for small kernels and inputs.", small_is_pronounced),
    Claim("C4", "Batch handling costs something even at batch 1.", batch_handling),
    Claim("C5", "Stride 1 with padding 0 is not fully exploited.", stride_one_unpadded),
    Claim(
        "C6",
        "The coupling with gradient computation adds overhead.",
        in_each_case(
            gradient_coupling, f"{_MODULE} with its switch inference_mode: `convprof analyze --impl {_MODULE}`"
        ),
    ),
    Claim("C7", "A manual version avoids copies and indirections and uses caches better.", fewer_copies),
    Claim(
        "C8",
        "Compiler flags matter.",
        in_each_case(
            compiler_flags,
            f"a C compiler and {_UNOPTIMISED} beside another build: `convprof analyze`",
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
        in_each_case(blas_accelerates, "numpy.im2col beside numpy.shift_add, or torch.unfold beside torch.shift_add"),
    ),
    Claim("C12", "Shared memory and thread blocks accelerate the CUDA kernel.", gpu_shared_memory),
    Claim(
        "C13",
        "The article's way of timing (one cold call) gives the right order.",
        in_each_case(cold_order, "cold times of three implementations whose steady order is clear: let the run finish"),
    ),
)


def claim_table_rows(findings: Findings) -> list[dict[str, Any]]:
    """Judge every claim and give the rows of the table `claims`."""
    rows = []
    for claim in CLAIMS:
        judgement = claim.judge(findings)
        rows.append(
            {
                "claim": claim.id,
                "statement": claim.statement,
                "verdict": judgement.told,
                "figure": judgement.figure,
                "evidence": judgement.evidence,
            }
        )
    return rows


def _compiled(findings: Findings, condition: Condition) -> list[str]:
    return [name for name in findings.names(condition) if name == _COMPILED or name.startswith(f"{_COMPILED}[")]


def _against(findings: Findings, names: list[str], baseline: str, condition: Condition) -> list[tuple[str, Ratio]]:
    found = [(name, findings.ratio(name, baseline, condition)) for name in names if name != baseline]
    return [(name, ratio) for name, ratio in found if ratio is not None]


def _listed(word: str, names: list[str]) -> str:
    return f"{len(names)} {word} ({', '.join(names)})" if names else f"none {word}"


def _same_but_padding(bare: ConvCase, padded: ConvCase) -> bool:
    unpadded = (bare.padding_height, bare.padding_width) == (0, 0)
    with_padding = padded.padding_height > 0 or padded.padding_width > 0
    strides = {bare.stride_height, bare.stride_width, padded.stride_height, padded.stride_width}
    same = (bare.output_shape, bare.weight_shape, bare.dtype, bare.bias) == (
        padded.output_shape,
        padded.weight_shape,
        padded.dtype,
        padded.bias,
    )
    return unpadded and with_padding and strides == {1} and same
