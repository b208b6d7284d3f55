"""Claims about the library alone: its generality, its batches, its padding, its gradients and its copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from impls.case import ConvCase
from profiler.attribution.evidence import Condition
from profiler.attribution.findings import Findings, Ratio
from profiler.attribution.gather import Cell
from profiler.attribution.judging import Judgement, case_by_case, judged, threads_told
from profiler.attribution.subjects import COMPILED, LIBRARY, MODULE, class_of, unoptimised
from profiler.units import count, ratio, size

__all__ = ["batch_handling", "fewer_copies", "generality", "gradient_coupling", "in_each_case", "stride_one_unpadded"]

_RUN = "`convprof analyze --case claims --impl torch.conv2d --time 1800`"
# What removes a copy or fresh memory from the library's call, and what that is.
_COPY_SWITCHES = {
    "padded_beforehand": "padding made beforehand",
    "prepacked_weights": "weights laid out beforehand",
    "recycled_memory": "memory that is not mapped anew",
}


def in_each_case(
    judge: Callable[[Findings, Condition], Judgement | None], remedy: str
) -> Callable[[Findings], Judgement]:
    """Make a judge of one case a judge of a run: every case it can judge, joined, or what would be needed."""

    def judge_all(findings: Findings) -> Judgement:
        return case_by_case(_told(findings, findings.conditions, judge), remedy)

    return judge_all


def _told(
    findings: Findings,
    conditions: Iterable[Condition],
    judge: Callable[[Findings, Condition], Judgement | None],
) -> list[tuple[str, Judgement]]:
    found = [(condition.case, judge(findings, condition)) for condition in conditions]
    return [(case, judgement) for case, judgement in found if judgement is not None]


def generality(findings: Findings) -> Judgement:
    """Judge C1: what the library and a function in C take for next to no work, where there is one channel.

    On the whole case they differ in their algorithms too, so a faster loop there says nothing of generality. Cases that
    share their smallest input are judged once.
    """
    first = {ConvCase.parse(each.case).smallest[0].name: each for each in reversed(findings.conditions)}
    told = _told(findings, reversed(first.values()), _generality)
    remedy = f"a C compiler (c.direct) and {LIBRARY} on one channel: `convprof analyze`"
    return case_by_case(told, remedy)


def _generality(findings: Findings, condition: Condition) -> Judgement | None:
    case = ConvCase.parse(condition.case)
    compiled = [name for name in findings.names(condition, "manual") if class_of(name) == COMPILED]
    compiled = [name for name in compiled if name != unoptimised(name)]
    if case.in_channels * case.out_channels > 1:
        return None
    unit = case.smallest[0].name
    library = Cell(LIBRARY, unit, mode="unit")
    found = {name: findings.cells(library, Cell(name, unit, mode="unit"), condition) for name in compiled}
    told = {name: each for name, each in found.items() if each is not None}
    if not told:
        return None
    name, fixed = min(told.items(), key=lambda each: each[1].value)
    whole = findings.ratio(LIBRARY, name, condition)
    evidence = (
        "a call on a 1x1 output, where next to nothing is computed: what the library does for any case, against a "
        f"compiled function, {threads_told(condition.threads, condition.device)}"
    )
    sentence = f"where next to nothing is computed, {LIBRARY} takes {ratio(fixed.value)} the time of {name}"
    figure = f"{LIBRARY} takes {fixed} the time of {name}; on the whole case, where algorithms differ too, {whole}"
    return judged([fixed.above], [fixed.below], figure, evidence, sentence)


def _batch_handling(findings: Findings, condition: Condition) -> Judgement | None:
    found = findings.with_switch(LIBRARY, "unbatched", condition)
    if found is None:
        return None
    evidence = (
        f"{LIBRARY} called on the image (C, H, W) against the same on a batch of one, same rounds, "
        f"{threads_told(condition.threads, condition.device)}; giving the output its batch dimension back is in the "
        "time"
    )
    figure = f"without a batch dimension it takes {found} of the time"
    sentence = f"{LIBRARY} without a batch dimension takes {ratio(found.value)} of its time with one"
    return judged([found.below], [found.above], figure, evidence, sentence)


batch_handling = in_each_case(_batch_handling, f"{LIBRARY} with its switch unbatched on a batch of one: {_RUN}")


def stride_one_unpadded(findings: Findings) -> Judgement:
    """Judge C5: the library without padding against the library with it, at the same output size.

    By its switch, which pads the image beforehand, and by pairs of cases where the run has them.
    """
    told = [*_told(findings, findings.conditions, _padded_beforehand), *_pairs(findings)]
    remedy = f"{LIBRARY} with its switch padded_beforehand, or one problem with and without padding, at the same output"
    return case_by_case(told, f"{remedy} size: {_RUN}")


def _padded_beforehand(findings: Findings, condition: Condition) -> Judgement | None:
    case = ConvCase.parse(condition.case)
    found = findings.with_switch(LIBRARY, "padded_beforehand", condition)
    if found is None or (case.stride_height, case.stride_width) != (1, 1):
        return None
    evidence = (
        f"{LIBRARY} with the image padded beforehand, so with padding 0, against the same as it is: same output, "
        f"stride 1, same rounds, {threads_told(condition.threads, condition.device)}"
    )
    return _unpadded(found, evidence)


def _pairs(findings: Findings) -> list[tuple[str, Judgement]]:
    told = []
    for bare in findings.conditions:
        for padded in findings.conditions:
            if _same_but_padding(ConvCase.parse(bare.case), ConvCase.parse(padded.case)):
                found = findings.cells(Cell(LIBRARY, bare.case), Cell(LIBRARY, padded.case), bare)
                if found is not None:
                    evidence = f"{LIBRARY} on {bare.case} against {padded.case}: same output, stride 1, "
                    told.append((bare.case, _unpadded(found, evidence + threads_told(bare.threads, bare.device))))
    return told


def _unpadded(found: Ratio, evidence: str) -> Judgement:
    """Judge by a ratio of padding 0 over padding: what saves no time is not exploited."""
    figure = f"padding 0 takes {found} of the time with padding"
    sentence = f"{LIBRARY} with padding 0 takes {ratio(found.value)} of its time with padding"
    return judged([found.above], [found.below], figure, evidence, sentence)


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


def _gradient_coupling(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C6: the article's module as it is against the same under inference_mode, in the same rounds."""
    without = Cell(MODULE, condition.case, variant="inference_mode")
    found = findings.cells(Cell(MODULE, condition.case), without, condition)
    if found is None:
        return None
    evidence = (
        f"{MODULE} with gradients enabled against the same under inference_mode, same rounds, "
        f"{threads_told(condition.threads, condition.device)}"
    )
    sentence = f"with gradients enabled {MODULE} takes {ratio(found.value)} of the time without"
    figure = f"{found} of the time without gradients"
    return judged([found.above], [found.below], figure, evidence, sentence)


gradient_coupling = in_each_case(
    _gradient_coupling, f"{MODULE} with its switch inference_mode: `convprof analyze --impl {MODULE}`"
)


def _fewer_copies(findings: Findings, condition: Condition) -> Judgement | None:
    """Judge C7 on one case: copies inside the library, and what the call no longer takes without them."""
    if condition.device != "cpu":
        return None  # page faults and reorders are the host's; nobody looks into the library of a device
    copies = _copies(findings, condition)
    effects = {
        switch: found
        for switch in _COPY_SWITCHES
        if (found := findings.with_switch(LIBRARY, switch, condition)) is not None
    }
    looked = findings.inside(LIBRARY, condition) is not None or bool(copies)
    if not looked or (copies and not effects):
        return None
    told = "; ".join(f"{switch} takes {found} of the time" for switch, found in effects.items())
    inside = f"{LIBRARY} has {' and '.join(copies)} in a call" if copies else f"{LIBRARY} makes no copy that is seen"
    evidence = (
        "what is copied inside the library (tables/library_path, scratch and page faults), and its time with switches "
        f"that remove some of it, same case, {threads_told(condition.threads, condition.device)}; how "
        "caches are used is not seen without hardware counters"
    )
    saving = {switch: found for switch, found in effects.items() if found.below}
    sentence = inside
    if saving:
        best, found = min(saving.items(), key=lambda each: each[1].value)
        sentence += f"; with {_COPY_SWITCHES[best]} it takes {ratio(found.value)} of the time"
    figure = "; ".join(filter(None, [inside, told, _manual(findings, condition)]))
    return judged([bool(copies and saving)], [not copies], figure, evidence, sentence)


fewer_copies = in_each_case(
    _fewer_copies,
    f"a look inside {LIBRARY} (tables/library_path) and its switches {', '.join(_COPY_SWITCHES)} measured: {_RUN}; how "
    f"caches are used is not seen without hardware counters",
)


def _copies(findings: Findings, condition: Condition) -> list[str]:
    """Name what the library copies or takes anew in one call; empty where nothing of it is seen."""
    inside = findings.inside(LIBRARY, condition)
    scratch = findings.scratch_bytes(LIBRARY, condition)
    faults = findings.minor_faults(LIBRARY, condition)
    words = []
    if inside is not None and inside.reorders:
        words.append(f"{inside.reorders} reorder{'s' if inside.reorders > 1 else ''}")
    if scratch:
        words.append(f"{size(scratch)} of scratch")
    if faults >= 1:
        words.append(f"{count(round(faults))} page faults")
    return words


def _manual(findings: Findings, condition: Condition) -> str:
    """Say what the fastest manual implementation takes anew, where it was measured."""
    against = findings.against(findings.names(condition, "manual"), LIBRARY, condition)
    if not against:
        return ""
    name, found = min(against, key=lambda pair: pair[1].value)
    faults = count(round(findings.minor_faults(name, condition)))
    scratch = size(findings.scratch_bytes(name, condition))
    return f"{name}, the fastest manual one at {found} of its time, has {scratch} of scratch and {faults} page faults"
