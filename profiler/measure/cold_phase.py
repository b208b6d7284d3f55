"""The first part of measuring: is each implementation right, and what do its first calls in a fresh process cost."""

from __future__ import annotations

import random
import time
from itertools import product

from impls.case import ConvCase
from profiler.manifest import Manifest, PlannedImplementation
from profiler.measure.budget import Budget
from profiler.measure.launch import blame, is_complete, launch, unexplained
from profiler.measure.ledger import Ledger
from profiler.measure.protocol import Attempt, ColdJob
from profiler.progress import Progress
from profiler.records import LEAST_PROCESSES, Outcome, ProcessEnded
from profiler.store import RunDirectory

__all__ = ["ColdPhase", "unit_names"]

_SLOW_SHARE = 0.01  # of the phase: a call that takes longer is started cold once only


def unit_names(case: str) -> list[str]:
    """Name the smallest inputs of a case."""
    return list(dict.fromkeys(unit.name for unit in ConvCase.parse(case).smallest))


class ColdPhase:
    """Check every implementation once, then start each cold in a few more fresh processes."""

    def __init__(self, run: RunDirectory, manifest: Manifest, ledger: Ledger, budget: Budget) -> None:
        self._run = run
        self._manifest = manifest
        self._ledger = ledger
        self._budget = budget
        self._random = random.Random(manifest.seed)  # noqa: S311 - an order, not a secret

    def carry_out(self, progress: Progress) -> None:
        """Do what the journal lacks; raises WorkerError where workers cannot run at all."""
        # A process that an implementation takes down with it is followed by another, for those that are left.
        while attempts := self._unchecked():
            names = {attempt.implementation.name for attempt in attempts}
            progress.at(self._budget.share(), f"checking {len(names)} implementations against the oracle")
            self._process(attempts)
        took = 0.0
        while self._ledger.complete("cold", 1) < LEAST_PROCESSES and self._budget.cold_left_s() > took:
            attempts = self._repeated()
            if not attempts:
                return
            number = self._ledger.complete("cold", 1) + 1
            progress.at(self._budget.share(), f"starting cold, process {number} of {LEAST_PROCESSES}")
            started = time.monotonic()
            self._process(attempts)
            took = time.monotonic() - started

    def _process(self, attempts: list[Attempt]) -> None:
        process = self._ledger.next_process
        job = ColdJob(
            process=process,
            seed=self._manifest.seed + process,
            device=self._manifest.device,
            call_limit_s=self._manifest.call_limit_s,
            attempts=attempts,
        )
        ending = launch(self._run, self._ledger, job, 1, self._random)
        complete = is_complete(ending)
        self._ledger.add(
            ProcessEnded(purpose="cold", process=process, threads=1, rounds=0, complete=complete, detail=ending.detail)
        )
        if complete:
            self._close(attempts)
        elif not blame(self._ledger, ending, self._manifest.device, 1, "check"):
            raise unexplained(self._run, process, ending)

    def _close(self, attempts: list[Attempt]) -> None:
        """Write down those that ended without a word, by closing the pipe or the like; they would be asked for ever."""
        for attempt in attempts:
            name = attempt.implementation.name
            silent = {
                "check": self._ledger.outcome(name, attempt.case) is None,
                "unit": self._ledger.unit_outcome(name, attempt.case) is None,
            }
            outcome = Outcome(
                implementation=name,
                case=attempt.case,
                device=self._manifest.device,
                threads=1,
                phase=attempt.phase,
                status="exited",
                reason="it left no result behind",
            )
            if silent.get(attempt.phase, False) and not self._is_failed_unit(attempt):
                self._ledger.add(outcome)

    def _is_failed_unit(self, attempt: Attempt) -> bool:
        """Say whether a smallest input was rightly passed over, because its implementation had failed."""
        name = attempt.implementation.name
        outcomes = [self._ledger.outcome(name, case) for case in self._manifest.cases]
        return attempt.phase == "unit" and any(known is not None and known.status != "ok" for known in outcomes)

    def _pairs(self) -> list[tuple[PlannedImplementation, str]]:
        """List what is available, in random order."""
        unavailable = {(entry.implementation, entry.case) for entry in self._manifest.unavailable}
        pairs = [
            (planned, case)
            for case, planned in product(self._manifest.cases, self._manifest.implementations)
            if (planned.name, case) not in unavailable
        ]
        return self._random.sample(pairs, len(pairs))

    def _unchecked(self) -> list[Attempt]:
        attempts: list[Attempt] = []
        for planned, case in self._pairs():
            known = self._ledger.outcome(planned.name, case)
            if known is None:
                attempts.append(Attempt(implementation=planned, case=case, phase="check"))
            if known is None or known.status == "ok":
                attempts += [
                    Attempt(implementation=planned, case=unit, phase="unit")
                    for unit in unit_names(case)
                    if self._ledger.unit_outcome(planned.name, unit) is None
                ]
        return list({(each.implementation.name, each.case, each.phase): each for each in attempts}.values())

    def _repeated(self) -> list[Attempt]:
        slow = _SLOW_SHARE * self._budget.total_s
        attempts: list[Attempt] = []
        for planned, case in self._pairs():
            known = self._ledger.outcome(planned.name, case)
            if known is not None and known.status == "ok" and (known.seconds_per_call or 0.0) <= slow:
                attempts.append(Attempt(implementation=planned, case=case, phase="cold"))
        return attempts
