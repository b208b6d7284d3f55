"""Every estimator, by cause, the most trusted first: switch, then sample, then count; the floor is a bound.

A budget takes the first that has an answer. The others are asked as well: where one agrees, the row is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping

from profiler.attribution import bound, sample, switch, timeline, work
from profiler.attribution import count as counted
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate, Estimator
from profiler.attribution.evidence import Evidence

__all__ = ["DEVICE_ESTIMATORS", "ESTIMATORS", "estimators_of"]


def _else(first: Estimator, second: Estimator) -> Estimator:
    """Ask the second only where the first has no answer: it knows too little to confirm or to contradict it."""

    def estimate(evidence: Evidence, draws: Draws) -> Estimate | None:
        return first(evidence, draws) or second(evidence, draws)

    return estimate


def _counted_beside_samples(evidence: Evidence, draws: Draws) -> Estimate | None:
    """Count the fixed cost, less what samples say of the interpreter: the sum of both is what counting knows well."""
    python = sample.interpreter(evidence, draws) or counted.interpreter(evidence, draws)
    return counted.dispatch_beside(python, evidence, draws)


ESTIMATORS: Mapping[str, tuple[Estimator, ...]] = {
    # One cost for all bytecode instructions is a coarse model, and so are bytes over copy bandwidth.
    "interpreter": (_else(sample.interpreter, counted.interpreter),),
    "dispatch": (sample.dispatch, _counted_beside_samples),
    "autograd": (switch.autograd, sample.autograd),
    "idle": (sample.idle,),
    "threads": (sample.threads,),
    "allocation": (switch.allocation, sample.allocation, counted.allocation),
    "traffic": (_else(work.traffic, counted.traffic),),
    "arithmetic": (work.arithmetic,),
    "floor": (bound.floor,),
}

# On an accelerator, processor time of the host says nothing of how long a call takes: much of it is hidden.
DEVICE_ESTIMATORS: Mapping[str, tuple[Estimator, ...]] = {
    "interpreter": (timeline.interpreter,),
    "dispatch": (timeline.dispatch,),
    "autograd": (switch.autograd,),
    "launch": (timeline.launch,),
    "idle": (timeline.idle,),
    "allocation": (switch.allocation, timeline.allocation),
    "traffic": (timeline.traffic,),
    "arithmetic": (timeline.arithmetic,),
    "floor": (bound.floor,),
}


def estimators_of(evidence: Evidence) -> Mapping[str, tuple[Estimator, ...]]:
    """Give the estimators of a run on an accelerator or with work in a device's queue, or those of the processor."""
    on_device = evidence.condition.device != "cpu" or evidence.timeline is not None
    return DEVICE_ESTIMATORS if on_device else ESTIMATORS
