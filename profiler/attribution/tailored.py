"""Claims about a convolution tailored to its case: that it beats the library, and most of all on small inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from impls.case import ConvCase
from profiler.attribution.evidence import Condition
from profiler.attribution.findings import Findings, Ratio
from profiler.attribution.judging import Judgement, judged, not_testable, threads_told
from profiler.attribution.spans import label, where
from profiler.attribution.subjects import CLASSES, COMPILED, LIBRARY, LOOP_ON_CPU, MODULE, OPENCL, class_of
from profiler.units import ratio

__all__ = ["manual_beats_module", "small_is_pronounced"]

_UNDERSTATED = 2.0  # times as fast: the article calls the library's overhead slight
_COMPILED_RUN = f"`convprof analyze --case claims --impl {LIBRARY} --impl c.direct --time 1800`"


@dataclass(frozen=True)
class _Best:
    """Hold the fastest of one class on one case, as a ratio to what it is compared with."""

    case: str
    name: str
    found: Ratio


def manual_beats_module(findings: Findings) -> Judgement:
    """Judge C2: every manual implementation against the article's module, in every case; class by class in words."""
    baseline = MODULE if any(MODULE in findings.names(each) for each in findings.conditions) else LIBRARY
    pairs = [
        _Best(condition.case, name, found)
        for condition in findings.conditions
        for name, found in findings.against(findings.names(condition, "manual"), baseline, condition)
        # OpenCL's copy to a device that is no other: no tailored convolution would.
        if name != LOOP_ON_CPU and class_of(name) != OPENCL
    ]
    if not pairs:
        return not_testable(
            f"needs {MODULE} and manual implementations in one run: `convprof analyze`, or for the sizes `convprof "
            f"analyze --case claims --impl {MODULE} --impl torch.shift_add --impl c.direct --time 1800`"
        )
    several = len(findings.conditions) > 1
    best, worst = min(pairs, key=_value), max(pairs, key=_value)
    figure = f"best {_named(best, several)}"
    if worst != best:
        figure += f", worst {_named(worst, several)}"
    classes = _by_class(pairs)
    evidence = f"against {baseline}, {threads_told(findings.threads, findings.device)}: " + (
        "; ".join(_range(kind, found) for kind, found in classes.items()) if several else _faster_and_slower(pairs)
    )
    faster, slower = [pair.found.below for pair in pairs], [pair.found.above for pair in pairs]
    if sum(faster) + sum(slower) < len(pairs) and not any(faster):
        return not_testable(f"the closest cannot be told from it here; a longer --time helps. {evidence}", figure)
    sentence = "; ".join(_class_sentence(kind, found, baseline) for kind, found in classes.items())
    return judged(faster, slower, figure, evidence, sentence)


def _value(pair: _Best) -> float:
    return pair.found.value


def _named(pair: _Best, several: bool) -> str:
    return f"{pair.name} on {pair.case} {pair.found}" if several else f"{pair.name} {pair.found}"


def _by_class(pairs: Sequence[_Best]) -> dict[str, list[_Best]]:
    """Give the fastest of each class on each case, classes in their order."""
    found: dict[str, dict[str, _Best]] = {kind: {} for kind in CLASSES}
    for pair in sorted(pairs, key=_value, reverse=True):
        found[class_of(pair.name)][pair.case] = pair
    order = list(dict.fromkeys(pair.case for pair in pairs))
    return {
        kind: sorted(best.values(), key=lambda each: order.index(each.case)) for kind, best in found.items() if best
    }


def _faster_and_slower(pairs: Sequence[_Best]) -> str:
    faster = [pair.name for pair in pairs if pair.found.below]
    slower = [pair.name for pair in pairs if pair.found.above]
    return f"{_counted('faster', faster)}; {_counted('slower', slower)}"


def _counted(word: str, names: Sequence[str]) -> str:
    return f"{len(names)} {word} ({', '.join(names)})" if names else f"none {word}"


def _range(kind: str, found: Sequence[_Best]) -> str:
    best, worst = min(found, key=_value), max(found, key=_value)
    return f"{kind}, the fastest on each case: {_named(best, True)} to {_named(worst, True)}"


def _class_sentence(kind: str, found: Sequence[_Best], baseline: str) -> str:
    """Say for one class where the claim is true, by the fastest of it on each case."""
    below = [(each.case, each.found.below) for each in found]
    least, most = min(map(_value, found)), max(map(_value, found))
    everywhere = " in every case" if len(found) > 1 else ""
    if all(holds for _, holds in below):
        understated = " and understated" if most <= 1 / _UNDERSTATED else ""
        return f"true{understated} for {kind}{everywhere}, {_between(1 / most, 1 / least)} as fast as {baseline}"
    if any(holds for _, holds in below):
        slower = all(each.found.above for each in found if not each.found.below)
        elsewhere = "slower elsewhere" if slower else "elsewhere slower or not to be told apart"
        return f"true for {kind} {where(below)}, up to {ratio(1 / least)} as fast; {elsewhere}"
    if all(each.found.above for each in found):
        return f"false for {kind}{everywhere}, {_between(least, most)} the time of {baseline}"
    return f"for {kind} it cannot be told"


def _between(low: float, high: float) -> str:
    return ratio(low) if ratio(low) == ratio(high) else f"{ratio(low)} to {ratio(high)}"


@dataclass(frozen=True)
class _Axis:
    """Hold cases that differ in their size alone, or in their kernel alone, the least work first."""

    subject: str
    conditions: tuple[Condition, ...]


def small_is_pronounced(findings: Findings) -> Judgement:
    """Judge C3: the library's time over the fastest compiled function's, small against large, for sizes and kernels."""
    told = [found for axis in _axes(findings.conditions) if (found := _along(findings, axis)) is not None]
    if not told:
        return not_testable(f"needs compiled code and {LIBRARY} on cases of different size: {_COMPILED_RUN}")
    changes, figures, evidence, sentences = zip(*told, strict=True)
    return judged(
        [change.above for change in changes],
        [change.below for change in changes],
        "; ".join(figures),
        f"{'; '.join(evidence)}; resampled together, {threads_told(findings.threads, findings.device)}",
        "; ".join(sentences),
    )


def _along(findings: Findings, axis: _Axis) -> tuple[Ratio, str, str, str] | None:
    """Compare the ends of one axis: the change, and figure, evidence and sentence for it."""
    name = _fastest(findings, axis.conditions)
    small, large = axis.conditions[0], axis.conditions[-1]
    change = None if name is None else findings.ratio_of_ratios(LIBRARY, name, small, large)
    if name is None or change is None:
        return None
    ratios = [findings.ratio(LIBRARY, name, condition) for condition in axis.conditions]
    known = [(each, found) for each, found in zip(axis.conditions, ratios, strict=True) if found is not None]
    names = [condition.case for condition, _ in known]
    first, last = known[0], known[-1]
    figure = f"{LIBRARY} over {name}: {first[1]} on {first[0].case}, {last[1]} on {last[0].case}"
    most = max(known, key=lambda each: each[1].value)
    told = [first, *([most] if most not in (first, last) else []), last]
    word = "true" if change.above else "false" if change.below else "it cannot be told"
    steps = ", ".join(f"{ratio(found.value)} on {label(condition.case, names)}" for condition, found in told)
    sentence = f"{word} for {axis.subject}: {LIBRARY} takes {steps} the time of {name}"
    return change, figure, f"for {axis.subject} the first ratio is {change} of the last", sentence


def _fastest(findings: Findings, conditions: Sequence[Condition]) -> str | None:
    """Name the compiled function with the least time over all cases, each counting alike; None where there is none."""
    totals = {}
    for name in findings.names(conditions[0], "manual"):
        found = [findings.ratio(name, LIBRARY, condition) for condition in conditions]
        if class_of(name) == COMPILED and all(each is not None for each in found):
            totals[name] = math.fsum(math.log(each.value) for each in found if each is not None)
    return min(totals, key=lambda name: totals[name]) if totals else None


def _axes(conditions: Sequence[Condition]) -> list[_Axis]:
    """Find the longest series of sizes, and the longest ones of kernels, that differ in nothing else."""
    sizes = _series(conditions, ("height", "width"))
    kernels = [
        [condition for condition in series if _is_same(ConvCase.parse(condition.case))]
        for series in _series(conditions, ("kernel_height", "kernel_width", "padding_height", "padding_width"))
    ]
    kernels = [series for series in kernels if _differ(series)]
    longest = max(map(len, kernels), default=0)
    most = max(map(len, sizes), default=0)
    found = [_Axis("inputs", tuple(series)) for series in sizes if len(series) == most][:1]
    return found + [
        _Axis(f"kernels on {_size(series[0])}", tuple(series)) for series in kernels if len(series) == longest
    ]


def _series(conditions: Sequence[Condition], varied: Sequence[str]) -> list[list[Condition]]:
    """Group cases that are equal but for the varied fields, by work; groups of one amount of work are left out."""
    groups: dict[tuple[object, ...], list[Condition]] = {}
    for condition in sorted(conditions, key=lambda each: ConvCase.parse(each.case).flops):
        case = ConvCase.parse(condition.case)
        key = tuple(getattr(case, field.name) for field in fields(case) if field.name not in varied)
        groups.setdefault(key, []).append(condition)
    return [series for series in groups.values() if _differ(series)]


def _differ(series: Sequence[Condition]) -> bool:
    return len({ConvCase.parse(condition.case).flops for condition in series}) > 1


def _is_same(case: ConvCase) -> bool:
    """Say whether the padding keeps the image's size."""
    return (case.padding_height, case.padding_width) == (case.kernel_height // 2, case.kernel_width // 2)


def _size(condition: Condition) -> str:
    return label(condition.case)
