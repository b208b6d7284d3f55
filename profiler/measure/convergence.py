"""How well the gaps to the baseline are known so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profiler.manifest import Manifest
from profiler.measure.statistics import Panel, bootstrap
from profiler.records import Sample

__all__ = ["Gap", "steady_panel", "widest_gap"]

_REPLICATES = 1000


@dataclass(frozen=True)
class Gap:
    """Name the gap that is known least: half its 95 % interval, over the larger of its two sides.

    Over the gap itself, two equally fast sides would never be known well enough.
    """

    subject: str
    case: str
    relative: float


def steady_panel(samples: Iterable[Sample], case: str, threads: int) -> Panel[str]:
    """Collect the steady samples of one case and condition, a cell per implementation as it is."""
    chosen = [
        sample
        for sample in samples
        if (sample.mode, sample.variant, sample.case, sample.threads) == ("steady", "", case, threads)
    ]
    return Panel.of(
        [sample.implementation for sample in chosen],
        [sample.process for sample in chosen],
        [sample.round for sample in chosen],
        [sample.seconds_per_call for sample in chosen],
    )


def widest_gap(samples: Iterable[Sample], manifest: Manifest, threads: int) -> Gap | None:
    """Find the gap to the baseline that is known least in a condition; None where no gap has an interval."""
    listed = list(samples)
    gaps: list[Gap] = []
    for case in manifest.cases:
        result = bootstrap(steady_panel(listed, case, threads), replicates=_REPLICATES, seed=manifest.seed)
        if manifest.baseline not in result:
            continue
        for subject in result.cells:
            estimate = result.gap(subject, manifest.baseline)
            larger = max(result.value(subject), result.value(manifest.baseline))
            gaps.append(Gap(subject, case, estimate.half_width / larger))
    known = [gap for gap in gaps if gap.relative == gap.relative]
    return max(known, key=lambda gap: gap.relative, default=None)
