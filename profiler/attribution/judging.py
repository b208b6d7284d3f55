"""Verdicts on claims: from intervals that exclude 1, on one case or on several, with one number of threads or more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from profiler.attribution.spans import label, where

__all__ = [
    "Judgement",
    "Verdict",
    "case_by_case",
    "joined",
    "judged",
    "not_testable",
    "threads_told",
    "with_other_threads",
]

Verdict = Literal["supported", "refuted", "mixed", "not testable here"]

_OPEN: Verdict = "not testable here"
_ADVERBS: dict[Verdict, str] = {"supported": "true", "mixed": "in part", "refuted": "false"}
_UNCLEAR = "no interval here excludes 1, so this run cannot tell; a longer --time narrows them. "
_MOST_TOLD = 4  # cases whose figures are written out; of more, the first and the last


@dataclass(frozen=True)
class Judgement:
    """Hold the verdict on one claim, the figure that decides and the experiment, or why there is none.

    `sentence` says it for a reader to quote; of one case without the verdict, which `case_by_case` puts before it.
    """

    verdict: Verdict
    figure: str
    evidence: str
    sentence: str = ""

    @property
    def decides(self) -> bool:
        """Say whether there is a verdict."""
        return self.verdict != _OPEN

    @property
    def told(self) -> str:
        """Give the verdict as the table has it: what is not testable here says why."""
        return self.verdict if self.decides else f"{self.verdict}: {self.evidence}"


def not_testable(why: str, figure: str = "") -> Judgement:
    """Say that a claim cannot be judged in this run, and what would make it so."""
    return Judgement(_OPEN, figure, why)


def judged(
    supporting: Sequence[bool], refuting: Sequence[bool], figure: str, evidence: str, sentence: str = ""
) -> Judgement:
    """Judge by intervals that exclude 1: all one way, some each way, or none, which decides nothing."""
    if any(supporting) and any(refuting):
        return Judgement("mixed", figure, evidence, sentence)
    if any(supporting):
        return Judgement("supported", figure, evidence, sentence)
    if any(refuting):
        return Judgement("refuted", figure, evidence, sentence)
    return not_testable(f"{_UNCLEAR}{evidence}", figure)


def joined(judgements: Sequence[tuple[str, Judgement]]) -> Judgement:
    """Join the judgements of one claim on several cases, by its name; what decides nothing is left out."""
    if len(judgements) == 1:
        return judgements[0][1]
    telling = [each for each in judgements if each[1].decides] or judgements
    verdicts = {judgement.verdict for _, judgement in telling}
    shown, rest = telling, ""
    if len(telling) > _MOST_TOLD:
        shown, rest = [telling[0], telling[-1]], f"; and on {len(telling) - 2} cases between"
    evidence = "; ".join(dict.fromkeys(judgement.evidence.removeprefix(_UNCLEAR) for _, judgement in shown))
    return Judgement(
        telling[0][1].verdict if len(verdicts) == 1 else "mixed",
        "; ".join(f"on {case}: {judgement.figure}" for case, judgement in shown) + rest,
        f"{_UNCLEAR if telling[0][1].evidence.startswith(_UNCLEAR) else ''}{evidence}",
    )


def case_by_case(judgements: Sequence[tuple[str, Judgement]], remedy: str) -> Judgement:
    """Join the judgements of one claim on several cases and say where which verdict holds, or what would be needed."""
    if not judgements:
        return not_testable(f"needs {remedy}")
    whole = joined(judgements)
    return replace(whole, sentence=_quoted(judgements)) if whole.decides else whole


def _quoted(judgements: Sequence[tuple[str, Judgement]]) -> str:
    """Say for each verdict where it holds, with the sentences of the first and the last case it holds in."""
    if len(judgements) == 1:
        return f"{_ADVERBS[judgements[0][1].verdict]}: {judgements[0][1].sentence}"
    names = [case for case, _ in judgements]
    parts = []
    for verdict, adverb in _ADVERBS.items():
        found = [(case, each.sentence) for case, each in judgements if each.verdict == verdict]
        if found:
            span = where([(case, each.verdict == verdict) for case, each in judgements])
            ends = [found[0], found[-1]] if len(found) > 1 else []
            told = "; ".join(f"on {label(case, names)} {sentence}" for case, sentence in ends) or found[0][1]
            parts.append(f"{adverb} {span}: {told}")
    span = where([(case, not each.decides) for case, each in judgements])
    return "; ".join([*parts, *([f"it cannot be told {span}"] if span else [])])


def with_other_threads(judgement: Judgement, others: Sequence[tuple[int, Judgement]]) -> Judgement:
    """Add what the same experiment says with other numbers of threads; where verdicts differ, the whole is mixed."""
    for threads, other in others:
        if not other.decides:
            continue
        words = threads_told(threads)
        evidence = f"{judgement.evidence}. With {words}: {other.verdict}, {other.figure}"
        if not judgement.decides:
            judgement = replace(judgement, evidence=evidence)
        elif other.verdict == judgement.verdict:
            sentence = f"{judgement.sentence}; the verdict with {words} is the same" if judgement.sentence else ""
            judgement = replace(judgement, evidence=evidence, sentence=sentence)
        else:
            sentence = f"{judgement.sentence}; with {words}: {other.sentence}" if judgement.sentence else ""
            judgement = Judgement("mixed", judgement.figure, evidence, sentence)
    return judgement


def threads_told(threads: int, device: str = "cpu") -> str:
    """Write how many threads; beside a device they are the host's."""
    kind = "thread" if device == "cpu" else "host thread"
    return f"{threads} {kind}{'s' if threads > 1 else ''}"
