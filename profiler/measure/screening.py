"""Tries every switch on every implementation for a moment, to learn which are worth measuring."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch

from impls.case import ConvCase
from impls.contract import Implementation, Switch
from impls.data import Data, make_data
from impls.reference import check
from profiler.isolation import RecordPipe
from profiler.measure.combinations import faults_matter
from profiler.measure.criticality import criticality_of
from profiler.measure.device import CPU, open_device
from profiler.measure.limits import CHECKING_ALLOWANCE_S, LOADING_ALLOWANCE_S, PREPARING_ALLOWANCE_S
from profiler.measure.protocol import ScreenJob, ScreenTask
from profiler.measure.subject import Subject, load, prepared
from profiler.measure.switches import GRADIENTS, switches_of
from profiler.records import Exposed, Screened, Starting

__all__ = ["Screening", "is_worth_measuring"]

_ROUNDS, _SLOW_ROUNDS = 5, 3
_SLOW_S = 0.02
_TOO_SLOW_S = 1.0  # what is delayed many times must be quicker
_WITH_LEAD_IN = 1.5
_LEAST_EFFECT, _SURE_EFFECT = 0.05, 0.5
_NOISE = 3.0
_SCALE = 1.4826  # makes a median absolute deviation of normal noise its standard deviation


def is_worth_measuring(as_is: Sequence[float], switched: Sequence[float]) -> bool:
    """Say whether a switch changes a call by more than 5 % and more than the noise of the trial; seconds per call.

    What changes it by half is measured however noisy the trial was.
    """
    before, after = median(as_is), median(switched)
    noise = _deviation(as_is, before) + _deviation(switched, after)
    effect = abs(after - before)
    return effect > max(_LEAST_EFFECT * before, min(_NOISE * _SCALE * noise, _SURE_EFFECT * before))


def _deviation(values: Sequence[float], middle: float) -> float:
    return median(abs(value - middle) for value in values)


@dataclass(frozen=True)
class _Tried:
    """Hold one implementation as it is, its data's case, and what a call of it takes."""

    task: ScreenTask
    implementation: Implementation
    case: ConvCase
    plain: Subject
    seconds: float
    faults: float


class Screening:
    """Carry out one screening job; `now` is what is being tried."""

    def __init__(self, job: ScreenJob, pipe: RecordPipe) -> None:
        self._job = job
        self._pipe = pipe
        self._device = open_device(job.device)
        self._uses_threads = False
        self._left_s = 0.0
        self._preparing_s = 0.0  # what the last one to be prepared took
        self.now = Starting(implementation="", case="", stage="starting", limit_s=LOADING_ALLOWANCE_S)

    def run(self) -> None:
        """Try the switches of one implementation after the other."""
        gc.disable()
        for task in self._job.tasks:
            tried = self._as_is(task)
            self._uses_threads, self._left_s = False, task.seconds
            for switch in switches_of(tried.implementation, tried.case, self._job.threads, self._device.name).values():
                self._try(tried, switch)
            if tried.seconds <= _TOO_SLOW_S and self._job.threads == 1 and self._device.name == CPU:
                self._delay(tried)
            gc.collect()
            if torch.get_num_threads() != self._job.threads:
                torch.set_num_threads(self._job.threads)

    def _as_is(self, task: ScreenTask) -> _Tried:
        """Prepare an implementation and time a call that is not its first."""
        self._start(task, "load", LOADING_ALLOWANCE_S + self._job.call_limit_s)
        implementation, case = load(task.implementation), ConvCase.parse(task.case)
        self._start(task, "prepare", PREPARING_ALLOWANCE_S + 10 * self._job.call_limit_s)
        plain = self._prepared(implementation, case, make_data(case, self._job.seed))
        with plain.context():
            plain.block(1)
            block = plain.block(1)
            for _ in range(2 if block.seconds < _SLOW_S else 0):  # memory is still taken for the first time before
                block = plain.block(plain.calls_for(block.seconds_per_call))
        return _Tried(task, implementation, case, plain, block.seconds_per_call, block.usage.minor_faults / block.calls)

    def _prepared(
        self, implementation: Implementation, case: ConvCase, data: Data, switches: Sequence[Switch] = ()
    ) -> Subject:
        """Prepare, and note how long it took: what is compiled in each process takes far longer than its trial."""
        started = time.monotonic()
        subject = prepared(implementation, case, data, switches, self._device)
        self._preparing_s = time.monotonic() - started
        return subject

    def _try(self, tried: _Tried, switch: Switch) -> None:
        # Those of an implementation's own are worth a cell even without effect, but not with every number of threads.
        declared = switch.name in {each.name for each in tried.implementation.switches} or switch.cause == GRADIENTS
        declared = declared and self._job.threads == 1
        if switch.environment:
            # Not to be tried in this process; what it removes can be seen here.
            kept = self._uses_threads
            if switch.cause == "allocation":
                kept = faults_matter(tried.faults, tried.seconds)
            why = "too few page faults to matter" if switch.cause == "allocation" else "it uses no second thread"
            self._tell(tried, switch, kept=kept, reason="" if kept else why)
        elif self._preparing_s + self._trial_s(tried) > self._left_s and not declared:
            takes = f"preparing takes {self._preparing_s:.2g} s, a call {tried.seconds:.2g} s"
            self._tell(tried, switch, kept=False, reason=f"no time for a trial: {takes}")
        else:
            self._compare(tried, switch, declared=declared)

    def _compare(self, tried: _Tried, switch: Switch, *, declared: bool) -> None:
        """Check what a switched call computes, and time it in blocks that alternate with the call as it is."""
        limit_s = CHECKING_ALLOWANCE_S + PREPARING_ALLOWANCE_S + 10 * self._job.call_limit_s
        self._start(tried.task, switch.name, limit_s)
        data = make_data(tried.case, self._job.seed)
        switched = self._prepared(tried.implementation, tried.case, data, [switch])
        with switched.context():
            output = switched.call()
        self._left_s -= self._preparing_s
        result = check(tried.case, output, data.image, data.weight, data.bias, kind=switched.error_bound)
        if not result.correct:
            self._tell(tried, switch, kept=False, reason=f"gives another output: {result.reason}")
            return
        self._left_s -= self._trial_s(tried)
        calls = tried.plain.calls_for(tried.seconds)
        as_is, others = [], []
        for _ in range(_rounds(tried)):
            as_is.append(_seconds(tried.plain, calls, tried.seconds))
            others.append(_seconds(switched, calls, tried.seconds))
        kept = declared or is_worth_measuring(as_is, others)
        self._uses_threads |= kept and switch.cause == "threads"
        self._tell(tried, switch, kept=kept, times=(median(as_is), median(others)))

    def _trial_s(self, tried: _Tried) -> float:
        """Estimate what the trial of one switch takes."""
        return 2 * _rounds(tried) * max(_WITH_LEAD_IN * self._device.least_block_s, tried.seconds)

    def _delay(self, tried: _Tried) -> None:
        """Delay what the call hands to other threads, where it does."""
        self._start(tried.task, "delay", 100 * self._job.call_limit_s)
        with tried.plain.context():
            found = criticality_of(tried.plain.call, tried.seconds)
        if found is not None:
            self._pipe.send(
                Exposed(
                    implementation=tried.task.implementation.name,
                    case=tried.task.case,
                    device=self._job.device,
                    threads=self._job.threads,
                    tasks=found.tasks,
                    work_s=found.work_s,
                    delay_s=found.delay_s,
                    slopes=list(found.slopes),
                )
            )

    def _tell(
        self, tried: _Tried, switch: Switch, *, kept: bool, times: tuple[float, float] | None = None, reason: str = ""
    ) -> None:
        self._pipe.send(
            Screened(
                implementation=tried.task.implementation.name,
                case=tried.task.case,
                device=self._job.device,
                threads=self._job.threads,
                switch=switch.name,
                cause=switch.cause,
                summary=switch.summary,
                scope="process" if switch.environment else "call",
                composable=switch.composable,
                kept=kept,
                seconds_as_is=None if times is None else times[0],
                seconds_switched=None if times is None else times[1],
                reason=reason,
            )
        )

    def _start(self, task: ScreenTask, stage: str, limit_s: float) -> None:
        self.now = Starting(implementation=task.implementation.name, case=task.case, stage=stage, limit_s=limit_s)
        self._pipe.send(self.now)


def _rounds(tried: _Tried) -> int:
    return _ROUNDS if tried.seconds < _SLOW_S else _SLOW_ROUNDS


def _seconds(subject: Subject, calls: int, expected_s: float) -> float:
    with subject.context():
        subject.lead_in(calls, expected_s)
        return subject.block(calls).seconds_per_call
