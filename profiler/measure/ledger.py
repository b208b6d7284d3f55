"""What a run's journal says so far, kept up to date while it is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import msgspec

from profiler.manifest import Manifest
from profiler.measure.samples import kept_samples
from profiler.records import (
    MEASURED,
    AnyRecord,
    Ceiling,
    Clocks,
    ColdStage,
    Notice,
    Outcome,
    ProcessEnded,
    Sample,
    Screened,
)
from profiler.store import RunDirectory

__all__ = ["Ledger"]


class Ledger:
    """Append to the journal, and answer what is still to be done."""

    def __init__(self, run: RunDirectory, manifest: Manifest) -> None:
        self._manifest = manifest
        self._outcomes: dict[tuple[str, str, int], Outcome] = {}
        self._units: dict[tuple[str, str], Outcome] = {}
        self._screened: dict[tuple[str, str, int], dict[str, Screened]] = {}
        self._notices: set[tuple[str, str]] = set()
        self.ended: list[ProcessEnded] = []
        self._samples: list[Sample] = []
        self.clocks: list[Clocks] = []
        self.next_process = 1
        with contextlib.ExitStack() as stack:
            # Opened before it is read: from here on nobody else adds to it.
            self._journal = stack.enter_context(run.journal())
            for record in run.records():
                self._take(record)
            stack.pop_all()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def add(self, record: AnyRecord) -> None:
        """Write a record down; a notice that stands already is passed over.

        What fails before it was timed is not timed in any condition, so its outcome is written for each.
        """
        if isinstance(record, Notice) and (record.code, record.text) in self._notices:
            return
        for each in self._for_conditions(record):
            self._journal.append(each)
            self._take(each)

    def _for_conditions(self, record: AnyRecord) -> Iterable[AnyRecord]:
        if not isinstance(record, Outcome) or record.phase not in ("check", "cold"):
            return [record]
        return [msgspec.structs.replace(record, threads=threads) for threads in self._manifest.threads]

    def _take(self, record: AnyRecord) -> None:
        if isinstance(record, Outcome):
            if record.phase == "unit":
                self._units[record.implementation, record.case] = record
            else:
                self._outcomes[record.implementation, record.case, record.threads] = record
        elif isinstance(record, Sample):
            self._samples.append(record)
        elif isinstance(record, Screened):
            key = (record.implementation, record.case, record.threads)
            self._screened.setdefault(key, {})[record.switch] = record
        elif isinstance(record, Clocks):
            self.clocks.append(record)
        elif isinstance(record, Notice):
            self._notices.add((record.code, record.text))
        elif isinstance(record, ProcessEnded):
            self.ended.append(record)
        if isinstance(record, Sample | ColdStage | Ceiling | ProcessEnded):
            self.next_process = max(self.next_process, record.process + 1)

    @property
    def measured(self) -> bool:
        """Say whether the phase is complete."""
        return any(ended.purpose == MEASURED for ended in self.ended)

    def complete(self, purpose: str, threads: int) -> int:
        """Count the complete processes of a purpose in a condition."""
        return sum(ended.complete and (ended.purpose, ended.threads) == (purpose, threads) for ended in self.ended)

    def outcome(self, implementation: str, case: str, threads: int = 1) -> Outcome | None:
        """Give the last word on an implementation, None where there is none yet."""
        return self._outcomes.get((implementation, case, threads))

    def unit_outcome(self, implementation: str, unit: str) -> Outcome | None:
        """Give the last word on an implementation's smallest input."""
        return self._units.get((implementation, unit))

    def screened(self, implementation: str, case: str, threads: int) -> list[Screened]:
        """Give the switches that were tried on an implementation, the largest effect first."""
        found = self._screened.get((implementation, case, threads), {}).values()
        return sorted(found, key=_effect, reverse=True)

    def samples(self) -> list[Sample]:
        """Give the samples that count."""
        return kept_samples([*self._samples, *self.ended])

    def samples_of(self, process: int) -> list[Sample]:
        """Give every sample of one process, whether it counts or not."""
        return [sample for sample in self._samples if sample.process == process]


def _effect(screened: Screened) -> float:
    """Give how much a switch changes a call, as a share of it; 0 where that was not tried."""
    if not screened.seconds_as_is or screened.seconds_switched is None:
        return 0.0
    return abs(screened.seconds_switched / screened.seconds_as_is - 1)
