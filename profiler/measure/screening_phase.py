"""The second part of measuring: a short trial of every switch, so that only those with an effect are measured."""

from __future__ import annotations

import random
from itertools import product

from profiler.isolation import Ending
from profiler.manifest import Manifest
from profiler.measure.launch import is_complete, launch
from profiler.measure.ledger import Ledger
from profiler.measure.protocol import ScreenJob, ScreenTask
from profiler.progress import Progress
from profiler.records import Notice
from profiler.store import RunDirectory

__all__ = ["ScreeningPhase"]

_CODE = "switches_not_tried"
_SHARE = 0.04  # of the run, for each number of threads
_IN_FOCUS = 3.0  # what the reader named, and the baseline, may take so many times longer


class ScreeningPhase:
    """Run one worker for each number of threads; one that dies is followed by another for what is left."""

    def __init__(self, run: RunDirectory, manifest: Manifest, ledger: Ledger) -> None:
        self._run = run
        self._manifest = manifest
        self._ledger = ledger
        self._random = random.Random(manifest.seed + 2)  # noqa: S311 - an order, not a secret
        self._given_up: set[tuple[str, str, int]] = set()

    def carry_out(self, progress: Progress, share: float) -> None:
        """Try what the journal has no trial of; an implementation that fails here loses its switches only."""
        for threads in self._manifest.threads:
            while tasks := self._left(threads):
                progress.at(share, f"trying switches, {threads} thread{'s' if threads > 1 else ''}")
                ending = launch(self._run, self._ledger, self._job(threads, tasks), threads, self._random)
                if is_complete(ending):
                    break
                self._give_up(ending, tasks, threads)

    def _job(self, threads: int, tasks: list[ScreenTask]) -> ScreenJob:
        return ScreenJob(
            process=self._ledger.next_process,
            seed=self._manifest.seed,
            device=self._manifest.device,
            threads=threads,
            call_limit_s=self._manifest.call_limit_s,
            tasks=tasks,
        )

    def _left(self, threads: int) -> list[ScreenTask]:
        share = _SHARE * self._manifest.time_s / len(self._manifest.cases) / len(self._manifest.implementations)
        return [
            ScreenTask(
                implementation=planned,
                case=case,
                seconds=_IN_FOCUS * share if planned.asked_for or planned.name == self._manifest.baseline else share,
            )
            for case, planned in product(self._manifest.cases, self._manifest.implementations)
            if (known := self._ledger.outcome(planned.name, case, threads)) is not None
            and known.status == "ok"
            and not self._ledger.screened(planned.name, case, threads)
            and (planned.name, case, threads) not in self._given_up
        ]

    def _give_up(self, ending: Ending, tasks: list[ScreenTask], threads: int) -> None:
        """Leave out what ended its worker; where that is not known, all of it."""
        blamed = ending.blamed
        names = {(task.implementation.name, task.case) for task in tasks}
        culprit = (blamed.implementation, blamed.case) if blamed is not None else ("", "")
        out = {culprit} if culprit in names else names
        for name, case in sorted(out):
            detail = ending.detail or "ended its process"
            text = f"switches of {name} on {case} were not tried: {detail} in the trial"
            self._ledger.add(Notice(code=_CODE, text=text, implementation=name, case=case))
        self._given_up |= {(name, case, threads) for name, case in out}
