"""What an estimator answers: seconds of one call put down to one cause, and what a reader can check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from profiler.attribution.draws import Draws
from profiler.attribution.evidence import Evidence, Floats

__all__ = ["Estimate", "Estimator", "Method", "Status"]

Method = Literal["switch", "sample", "count", "bound", "timeline", "remainder", "none"]
Status = Literal["confirmed", "unconfirmed", "joint", "refused", "not estimated"]


@dataclass(frozen=True)
class Estimate:
    """Hold one estimator's answer: seconds per call, replicates (shape (replicates,)) and what a reader can check.

    Replicates carry both the resampling of the times and, for what is known only within a range, a draw from it that
    all implementations of the run share. `interaction` are the seconds by which a switch saves more or less together
    with the others than alone, `flips` whether that turns its sign.
    """

    cause: str
    seconds: float
    replicates: Floats
    method: Method
    status: Status
    evidence: str
    interaction: float = 0.0
    flips: bool = False


Estimator = Callable[[Evidence, Draws], Estimate | None]
