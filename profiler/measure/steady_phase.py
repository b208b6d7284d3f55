"""The second part of measuring: steady-state samples from fresh processes, until they tell enough or time is up."""

from __future__ import annotations

import math
import random
import time

from profiler.isolation import Ending
from profiler.manifest import Manifest, PlannedImplementation
from profiler.measure.budget import Budget
from profiler.measure.cold_phase import unit_names
from profiler.measure.convergence import widest_gap
from profiler.measure.launch import blame, is_complete, launch, processors_for, unexplained
from profiler.measure.ledger import Ledger
from profiler.measure.protocol import SteadyCase, SteadyJob
from profiler.progress import Progress
from profiler.records import LEAST_PROCESSES, ProcessEnded
from profiler.store import RunDirectory

__all__ = ["CONVERGED", "SteadyPhase"]

CONVERGED = 0.02  # of the larger side: how well each gap is to be known
_CEILING_PROCESSES = 3
_UNBLAMED_DEATHS = 2  # an out-of-memory killer may come once; twice is no chance
_LEAST_CALLS = 4  # a warm-up call and three rounds
_SLOW_SHARE = 0.3  # of the seconds left in a condition, for one implementation that fits into no process


class SteadyPhase:
    """Run processes in random order of the thread conditions."""

    def __init__(self, run: RunDirectory, manifest: Manifest, ledger: Ledger, budget: Budget) -> None:
        self._run = run
        self._manifest = manifest
        self._ledger = ledger
        self._budget = budget
        self._random = random.Random(manifest.seed + 1)  # noqa: S311 - an order, not a secret
        self._unblamed = 0

    def carry_out(self, progress: Progress) -> None:
        """Do what the journal lacks; raises WorkerError where workers cannot run at all."""
        while waiting := self._affordable(self._missing() or self._wanted()):
            self._process(waiting[0], len(waiting), progress)

    def _missing(self) -> list[int]:
        """List the conditions of the processes that are due at least, in random order."""
        due = [
            threads
            for threads in self._measurable()
            for _ in range(LEAST_PROCESSES - self._ledger.complete("steady", threads))
        ]
        return self._random.sample(due, len(due))

    def _wanted(self) -> list[int]:
        """List every condition once more, in random order, where a gap is not known well enough yet."""
        samples = self._ledger.samples()
        gaps = [widest_gap(samples, self._manifest, threads) for threads in self._manifest.threads]
        if all(gap is None or gap.relative <= CONVERGED for gap in gaps):
            return []
        again = self._measurable()
        return self._random.sample(again, len(again))

    def _measurable(self) -> list[int]:
        return [threads for threads in self._manifest.threads if self._cases(threads, math.inf)]

    def _affordable(self, waiting: list[int]) -> list[int]:
        """Leave out what time does not allow: never the first process of a condition, and many threads before one."""
        affordable = self._budget.affordable()
        if len(waiting) <= affordable:
            return waiting
        first = [threads for threads in dict.fromkeys(waiting) if not self._ledger.complete("steady", threads)]
        rest = list(waiting)
        for threads in first:
            rest.remove(threads)
        return first + sorted(rest)[: max(0, affordable - len(first))]

    def _process(self, threads: int, left: int, progress: Progress) -> None:
        """Run one process of so many that are left, and write down how it ended."""
        process = self._ledger.next_process
        seconds = self._budget.seconds_for_one_of(left)
        # Where nothing fits, everything is measured as far as it goes: there is nobody to keep waiting.
        cases = self._cases(threads, seconds) or self._cases(threads, math.inf)
        done = sum(self._ledger.complete("steady", each) for each in self._manifest.threads)
        names = {planned.name for case in cases for planned in case.implementations}
        progress.at(
            self._budget.share(),
            f"timing {len(names)} implementations, process {done + 1} of {done + left} ({_threads(threads)})",
        )
        started = time.monotonic()
        ending = launch(self._run, self._ledger, self._job(process, threads, seconds, cases), threads, self._random)
        complete = is_complete(ending)
        if complete:
            self._budget.note_start(time.monotonic() - started - seconds)
        self._end(process, threads, ending, complete=complete)

    def _end(self, process: int, threads: int, ending: Ending, *, complete: bool) -> None:
        rounds = {sample.round for sample in self._ledger.samples_of(process) if sample.mode == "steady"}
        self._ledger.add(
            ProcessEnded(
                purpose="steady",
                process=process,
                threads=threads,
                rounds=len(rounds),
                complete=complete,
                detail=ending.detail,
            )
        )
        if not complete and not blame(self._ledger, ending, self._manifest.device, threads, "steady"):
            self._unblamed += 1
            if self._unblamed >= _UNBLAMED_DEATHS:
                raise unexplained(self._run, process, ending)

    def _job(self, process: int, threads: int, seconds: float, cases: list[SteadyCase]) -> SteadyJob:
        done = self._ledger.complete("steady", threads)
        return SteadyJob(
            process=process,
            seed=self._manifest.seed + process,
            device=self._manifest.device,
            threads=threads,
            processors=sorted(processors_for(threads)),
            seconds=seconds,
            call_limit_s=self._manifest.call_limit_s,
            check=done == 0,
            ceilings=threads == 1 and done < _CEILING_PROCESSES,
            cases=cases,
        )

    def _cases(self, threads: int, seconds: float) -> list[SteadyCase]:
        """List what the next process of a condition measures."""
        cases: list[SteadyCase] = []
        for case in self._manifest.cases:
            chosen = [
                planned
                for planned in self._manifest.implementations
                if self._is_ok(planned.name, case, threads) and self._fits(planned.name, case, threads, seconds)
            ]
            units = {planned.name: self._units(planned, case) for planned in chosen} if threads == 1 else {}
            if chosen:
                cases.append(SteadyCase(case=case, implementations=chosen, units=units))
        return cases

    def _is_ok(self, name: str, case: str, threads: int) -> bool:
        known = self._ledger.outcome(name, case, threads)
        return known is not None and known.status == "ok"

    def _fits(self, name: str, case: str, threads: int, seconds: float) -> bool:
        """Say whether a process has time for an implementation; one that never fits is measured once, or not at all."""
        known = self._ledger.outcome(name, case, 1)
        least_s = _LEAST_CALLS * ((known.seconds_per_call if known is not None else None) or 0.0)
        if least_s <= seconds:
            return True
        once_s = _SLOW_SHARE * self._budget.left_s() / len(self._manifest.threads)
        return least_s <= once_s and self._ledger.complete("steady", threads) == 0

    def _units(self, planned: PlannedImplementation, case: str) -> list[str]:
        known = {unit: self._ledger.unit_outcome(planned.name, unit) for unit in unit_names(case)}
        return [unit for unit, outcome in known.items() if outcome is not None and outcome.status == "ok"]


def _threads(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"
