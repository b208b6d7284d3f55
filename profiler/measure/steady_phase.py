"""The second part of measuring: steady-state samples from fresh processes, until they tell enough or time is up."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from statistics import median

from profiler.isolation import Ending
from profiler.manifest import Manifest, PlannedImplementation
from profiler.measure.budget import Budget
from profiler.measure.cold_phase import unit_names
from profiler.measure.combinations import faults_matter, variants_of
from profiler.measure.convergence import widest_gap
from profiler.measure.launch import blame, is_complete, launch, processors_for, unexplained
from profiler.measure.ledger import Ledger
from profiler.measure.protocol import SteadyCase, SteadyJob
from profiler.measure.switches import environment_of
from profiler.progress import Progress
from profiler.records import LEAST_PROCESSES, ProcessEnded, Screened
from profiler.store import RunDirectory

__all__ = ["CONVERGED", "SteadyPhase"]

CONVERGED = 0.02  # of the larger side: how well each gap is to be known
_CEILING_PROCESSES = 3
_ENVIRONMENT_PROCESSES = 3  # of each switch that needs processes of its own: its effect is large, or it is not kept
_ENVIRONMENT_SHARE = 0.5  # of the seconds of a process: fewer implementations are measured there
_UNBLAMED_DEATHS = 2  # an out-of-memory killer may come once; twice is no chance
_LEAST_CALLS = 4  # a warm-up call and three rounds
_SLOW_SHARE = 0.3  # of the seconds left in a condition, for one implementation that fits into no process


@dataclass(frozen=True, order=True)
class Workplace:
    """Name the conditions of a worker: its threads, and the switch that its environment throws ('' for none)."""

    threads: int
    environment: str = ""

    @property
    def purpose(self) -> str:
        """Give the purpose in the journal; only processes of no switch count for a condition."""
        return f"steady+{self.environment}" if self.environment else "steady"


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

    def _missing(self) -> list[Workplace]:
        """List where processes are due at least, in random order."""
        due = [
            workplace
            for workplace in self._measurable()
            for _ in range(_least_processes(workplace) - self._ledger.complete(workplace.purpose, workplace.threads))
        ]
        return self._random.sample(due, len(due))

    def _wanted(self) -> list[Workplace]:
        """List every condition once more, in random order, where a gap is not known well enough yet."""
        samples = self._ledger.samples()
        gaps = [widest_gap(samples, self._manifest, threads) for threads in self._manifest.threads]
        if all(gap is None or gap.relative <= CONVERGED for gap in gaps):
            return []
        again = [workplace for workplace in self._measurable() if not workplace.environment]
        return self._random.sample(again, len(again))

    def _measurable(self) -> list[Workplace]:
        """List every condition, and every environment in it that a kept switch needs."""
        plain = [Workplace(threads) for threads in self._manifest.threads]
        kept = [
            Workplace(each.threads, each.switch)
            for threads in self._manifest.threads
            for case in self._manifest.cases
            for planned in self._manifest.implementations
            for each in self._screened(planned.name, case, threads)
            if each.kept and each.scope == "process"
        ]
        return [workplace for workplace in [*plain, *dict.fromkeys(kept)] if self._cases(workplace, math.inf)]

    def _screened(self, name: str, case: str, threads: int) -> list[Screened]:
        """Give the switches tried on an implementation, those of page faults only where steady calls have them.

        Alone in a process a call may fault where it does not beside others, whose blocks keep the heap from shrinking.
        """
        tried = self._ledger.screened(name, case, threads)
        if not any(each.kept and each.cause == "allocation" and each.scope == "process" for each in tried):
            return tried
        blocks = [
            (sample.minor_faults_per_call, sample.seconds_per_call)
            for sample in self._ledger.samples()
            if (sample.implementation, sample.case, sample.threads) == (name, case, threads)
            and (sample.mode, sample.variant) == ("steady", "")
        ]
        faulting = bool(blocks) and faults_matter(*map(median, zip(*blocks, strict=True)))
        return [each for each in tried if faulting or each.cause != "allocation" or each.scope != "process"]

    def _affordable(self, waiting: list[Workplace]) -> list[Workplace]:
        """Leave out what time does not allow: never the first process of a condition, and many threads before one.

        The first process of an environment comes before a second one of several threads: it says what no other does.
        """
        affordable = self._budget.affordable()
        if len(waiting) <= affordable:
            return waiting
        begun = {each for each in waiting if self._ledger.complete(each.purpose, each.threads)}
        first = [each for each in dict.fromkeys(waiting) if not each.environment and each not in begun]
        rest = list(waiting)
        for workplace in first:
            rest.remove(workplace)
        rest.sort(key=lambda each: (each.threads, each in begun and bool(each.environment)))
        return first + rest[: max(0, affordable - len(first))]

    def _process(self, workplace: Workplace, left: int, progress: Progress) -> None:
        """Run one process of so many that are left, and write down how it ended."""
        process, threads = self._ledger.next_process, workplace.threads
        seconds = self._budget.seconds_for_one_of(left) * (_ENVIRONMENT_SHARE if workplace.environment else 1.0)
        # Where nothing fits, everything is measured as far as it goes: there is nobody to keep waiting.
        cases = self._cases(workplace, seconds) or self._cases(workplace, math.inf)
        done = sum(self._ledger.complete(each.purpose, each.threads) for each in self._measurable())
        names = {planned.name for case in cases for planned in case.implementations}
        progress.at(
            self._budget.share(),
            f"timing {len(names)} implementations, process {done + 1} of {done + left} ({_where(workplace)})",
        )
        started = time.monotonic()
        job = self._job(process, workplace, seconds, cases)
        variables = environment_of(workplace.environment)
        ending = launch(self._run, self._ledger, job, threads, self._random, variables)
        complete = is_complete(ending)
        if complete:
            self._budget.note_start(time.monotonic() - started - seconds)
        self._end(process, workplace, ending, complete=complete)

    def _end(self, process: int, workplace: Workplace, ending: Ending, *, complete: bool) -> None:
        threads = workplace.threads
        rounds = {sample.round for sample in self._ledger.samples_of(process) if sample.mode == "steady"}
        self._ledger.add(
            ProcessEnded(
                purpose=workplace.purpose,
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

    def _job(self, process: int, workplace: Workplace, seconds: float, cases: list[SteadyCase]) -> SteadyJob:
        threads, plain = workplace.threads, not workplace.environment
        done = self._ledger.complete("steady", threads)
        return SteadyJob(
            process=process,
            seed=self._manifest.seed + process,
            device=self._manifest.device,
            threads=threads,
            processors=sorted(processors_for(threads)),
            seconds=seconds,
            call_limit_s=self._manifest.call_limit_s,
            check=plain and done == 0,
            ceilings=plain and done < _CEILING_PROCESSES,
            cases=cases,
            environment=workplace.environment,
        )

    def _cases(self, workplace: Workplace, seconds: float) -> list[SteadyCase]:
        """List what the next process of a condition measures; in an environment, variants that need it and no more."""
        threads, environment = workplace.threads, workplace.environment
        cases: list[SteadyCase] = []
        for case in self._manifest.cases:
            chosen = [
                planned
                for planned in self._manifest.implementations
                if self._is_ok(planned.name, case, threads) and self._fits(planned.name, case, threads, seconds)
            ]
            variants = {
                planned.name: variants_of(self._screened(planned.name, case, threads), environment)
                for planned in chosen
            }
            if environment:
                chosen = [planned for planned in chosen if variants[planned.name]]
            small = threads == 1 and not environment
            units = {planned.name: self._units(planned, case) for planned in chosen} if small else {}
            if chosen:
                cases.append(SteadyCase(case=case, implementations=chosen, units=units, variants=variants))
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


def _least_processes(workplace: Workplace) -> int:
    return _ENVIRONMENT_PROCESSES if workplace.environment else LEAST_PROCESSES


def _where(workplace: Workplace) -> str:
    threads = "1 thread" if workplace.threads == 1 else f"{workplace.threads} threads"
    return f"{threads}, {workplace.environment}" if workplace.environment else threads
