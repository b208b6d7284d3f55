"""The steady state: all implementations of a case in one process, in interleaved randomised rounds of timed blocks."""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import torch

from impls.case import ConvCase
from impls.contract import Implementation, Switch
from impls.data import Data, make_data
from impls.reference import check
from profiler.isolation import RecordPipe
from profiler.manifest import PlannedImplementation
from profiler.measure.blocks import LEAST_BLOCK_S, Block
from profiler.measure.clocks import ClockWatch
from profiler.measure.device import open_device
from profiler.measure.device_cells import DeviceCells
from profiler.measure.device_times import DEVICE_MODES
from profiler.measure.limits import CHECKING_ALLOWANCE_S, LOADING_ALLOWANCE_S, PREPARING_ALLOWANCE_S
from profiler.measure.protocol import SteadyCase, SteadyJob
from profiler.measure.subject import Subject, load, prepared
from profiler.measure.switches import switches_of
from profiler.measure.warmup import warm_up
from profiler.records import Mode, Notice, Outcome, Sample, Starting

__all__ = ["Cell", "SteadyRun", "periods"]

TWIN_LIMIT_S = 0.01  # a slower call would spend time that the others need
LEAST_ROUNDS = 3
_WISHED_ROUNDS = 15  # what a slow cell's turns are planned for
_LARGEST_SHARE = 0.15  # of the time, for one slow cell
_PATIENCE = 3.0  # how many times its seconds a case may take for its least rounds
_LEAST_PATIENCE_S = 1.0
_WARM_UP_LIMIT_S = 0.25  # for one cell where there is time, and never more than a part of the process's seconds
_LEAST_WARM_UP_S = 0.01  # ten blocks, as many as are judged; a process may have hundreds of cells
_WARM_UP_SHARE = 0.5
_SETTLE_S = 0.002  # lets the parent write down a round before the next one is timed

Clock = Callable[[], float]


@dataclass
class Cell:
    """Hold one thing that is timed in every round, or in every `period`-th where it is slow (see `periods`)."""

    implementation: str
    variant: str
    case: str
    mode: Mode
    subject: Subject
    starting: Starting
    calls: int = 1
    block_s: float = LEAST_BLOCK_S
    period: int = 1
    offset: int = 0
    lead_s: float = 0.0
    given_up: bool = False

    def has_turn(self, number: int) -> bool:
        """Say whether the cell is timed in a round; slow cells are spread over the rounds."""
        return not self.given_up and (number + self.offset) % self.period == 0


def periods(blocks_s: Sequence[float], seconds: float) -> list[int]:
    """Give for each cell every how many rounds it is timed, from the time its block takes.

    Slow cells stand back so that none takes more than its share of the seconds, but each is timed three times in as
    many rounds as fit; where few fit, nobody stands back.
    """
    for rounds in range(_WISHED_ROUNDS, LEAST_ROUNDS, -1):
        chosen = [
            min(rounds // LEAST_ROUNDS, max(1, math.ceil(block_s * rounds / (_LARGEST_SHARE * max(seconds, 1e-9)))))
            for block_s in blocks_s
        ]
        if rounds * sum(block_s / each for block_s, each in zip(blocks_s, chosen, strict=True)) <= seconds:
            return chosen
    return [1] * len(blocks_s)


class SteadyRun:
    """Carry out one steady job."""

    def __init__(self, job: SteadyJob, pipe: RecordPipe, clock: Clock = time.monotonic) -> None:
        self._job = job
        self._pipe = pipe
        self._clock = clock
        self._random = random.Random(job.seed)  # noqa: S311 - an order, not a secret
        self._round = 0
        self._units: set[tuple[str, str]] = set()
        self._device = open_device(job.device)
        self._on_device = DeviceCells(self._device)
        self._clocks = ClockWatch.of(job.device)
        self.now = Starting(implementation="", case="", stage="starting", limit_s=LOADING_ALLOWANCE_S)

    def run(self) -> None:
        """Measure one case after the other, in random order, each for its share of the seconds."""
        started = self._clock()
        cases = self._random.sample(self._job.cases, len(self._job.cases))
        for index, case in enumerate(cases):
            left = self._job.seconds - (self._clock() - started)
            # Those before may have overdrawn; each still gets something, and the parent plans less for the next one.
            share = max(left / (len(cases) - index), self._job.seconds / (4 * len(cases)))
            self._measure_case(case, share)

    def _measure_case(self, case: SteadyCase, seconds: float) -> None:
        cells = [cell for cell in self._prepared_cells(case) if self._passes(cell)]
        started = self._clock()
        # What exists now lives on; frozen, it is not walked again by each collection between rounds.
        gc.collect()
        gc.freeze()
        gc.disable()
        warm_up_s = max(_LEAST_WARM_UP_S, min(_WARM_UP_LIMIT_S, _WARM_UP_SHARE * seconds / max(1, len(cells))))
        for cell in cells:
            self._warm_up(cell, warm_up_s)
        cells += [*self._twins(case, cells, warm_up_s), *self._device_cells(cells)]
        left = started + seconds - self._clock()
        for cell, each in zip(cells, periods([cell.block_s for cell in cells], max(left, 0.0)), strict=True):
            cell.period, cell.offset = each, self._random.randrange(each)
        self._rounds(cells, started + seconds, self._clock() + max(_LEAST_PATIENCE_S, _PATIENCE * seconds))
        gc.enable()
        gc.unfreeze()

    def _prepared_cells(self, case: SteadyCase) -> list[Cell]:
        problem = ConvCase.parse(case.case)
        cells: list[Cell] = []
        for planned in self._random.sample(case.implementations, len(case.implementations)):
            implementation = self._loaded(planned, case.case)
            data = make_data(problem, self._job.seed)
            if not self._job.environment:
                cells.append(self._cell(implementation, problem, data, "steady"))
            switches = switches_of(implementation, problem, self._job.threads, self._job.device)
            for names in case.variants.get(planned.name, ()):
                thrown = [switches[name] for name in names if name in switches]
                cells.append(self._cell(implementation, problem, data, "steady", thrown))
            for unit in self._new_units(case, planned.name):
                cells.append(self._cell(implementation, unit, make_data(unit, self._job.seed), "unit"))
        return cells

    def _new_units(self, case: SteadyCase, implementation: str) -> list[ConvCase]:
        """Give the smallest inputs; those that cases share are timed in the rounds of the first of them."""
        names = [name for name in case.units.get(implementation, ()) if (implementation, name) not in self._units]
        self._units.update((implementation, name) for name in names)
        return [ConvCase.parse(name) for name in names]

    def _twins(self, case: SteadyCase, cells: list[Cell], warm_up_s: float) -> list[Cell]:
        """Prepare quick implementations a second time, on data of their own, for the A/A floor."""
        quick = {
            cell.implementation
            for cell in cells
            if cell.mode == "steady" and not cell.variant and cell.block_s / cell.calls < TWIN_LIMIT_S
        }
        problem = ConvCase.parse(case.case)
        twins: list[Cell] = []
        for planned in case.implementations:
            if planned.name in quick:
                implementation = self._loaded(planned, case.case)
                twin = self._cell(implementation, problem, make_data(problem, self._job.seed), "twin")
                self._warm_up(twin, warm_up_s)
                twins.append(twin)
        return twins

    def _device_cells(self, cells: list[Cell]) -> list[Cell]:
        """Add the figures that a device has beside the steady state, of each implementation as it is."""
        plain = [cell for cell in cells if cell.mode == "steady" and not cell.variant and self._job.threads == 1]
        return [
            replace(
                cell,
                mode=mode,
                starting=msgspec.structs.replace(cell.starting, stage=mode),
                calls=calls,
                block_s=calls * cell.block_s / cell.calls,
                lead_s=lead_s,
            )
            for cell in plain
            for mode, calls, lead_s in self._on_device.modes(cell.calls, cell.block_s / cell.calls)
        ]

    def _loaded(self, planned: PlannedImplementation, case: str) -> Implementation:
        self._start(planned.name, case, "load", LOADING_ALLOWANCE_S + self._job.call_limit_s)
        return load(planned)

    def _cell(
        self, implementation: Implementation, case: ConvCase, data: Data, mode: Mode, switches: Sequence[Switch] = ()
    ) -> Cell:
        starting = Starting(implementation=implementation.name, case=case.name, stage=mode, limit_s=0.0)
        stage = "unit" if mode == "unit" else "prepare"
        self._start(implementation.name, case.name, stage, PREPARING_ALLOWANCE_S + self._job.call_limit_s)
        return Cell(
            implementation=implementation.name,
            variant="+".join(sorted(switch.name for switch in switches)),
            case=case.name,
            mode=mode,
            subject=prepared(implementation, case, data, switches, self._device),
            starting=starting,
        )

    def _passes(self, cell: Cell) -> bool:
        """Check what was not checked before: variants, and what several threads compute; a wrong one is not timed.

        One process of a condition does it for all.
        """
        unchecked = cell.mode == "steady" and bool(cell.variant) == (self._job.threads == 1)
        if not (self._job.check and unchecked):
            return True
        case = ConvCase.parse(cell.case)
        data = make_data(case, self._job.seed)
        self._start(cell.implementation, cell.case, cell.mode, CHECKING_ALLOWANCE_S + self._job.call_limit_s)
        with cell.subject.context():
            output = cell.subject.call()
        self._restore_threads(cell)
        result = check(case, output, data.image, data.weight, data.bias, kind=cell.subject.error_bound)
        if cell.variant and not result.correct:
            text = f"{cell.implementation} with {cell.variant} on {cell.case} gives another output: {result.reason}"
            self._pipe.send(Notice(code="wrong_variant", text=text))
        if not cell.variant:
            self._pipe.send(
                Outcome(
                    implementation=cell.implementation,
                    case=cell.case,
                    device=self._job.device,
                    threads=self._job.threads,
                    phase="steady",
                    status="ok" if result.correct else "wrong",
                    reason=result.reason,
                    max_error=result.max_error,
                    error_bound=result.error_bound,
                )
            )
        return result.correct

    def _warm_up(self, cell: Cell, limit_s: float) -> None:
        self._start(cell.implementation, cell.case, cell.mode, 10 * limit_s + 3 * self._job.call_limit_s)
        with cell.subject.context():
            result = warm_up(cell.subject.block, limit_s, self._device.least_block_s)
        self._restore_threads(cell)
        cell.calls, cell.block_s = result.calls, result.block_s
        for number, block in enumerate(result.blocks):
            self._pipe.send(self._sample(cell, block, number, "warmup"))

    def _rounds(self, cells: list[Cell], deadline: float, last_deadline: float) -> None:
        first = self._round
        while cells:
            now = self._clock()
            if now > (deadline if self._round - first >= LEAST_ROUNDS else last_deadline):
                break
            turns = [cell for cell in cells if cell.has_turn(self._round)]
            expected = sum(cell.block_s for cell in turns)
            self._start("", "", "round", 10 * expected + 2 * self._job.call_limit_s)
            blocks = [(cell, self._block(cell)) for cell in self._random.sample(turns, len(turns))]
            for cell, block in blocks:
                if block is not None:
                    self._pipe.send(self._sample(cell, block, self._round, cell.mode))
            if (clocks := self._clocks.taken(self._job.process, self._round)) is not None:
                self._pipe.send(clocks)
            self._round += 1
            gc.collect()
            time.sleep(_SETTLE_S)

    def _block(self, cell: Cell) -> Block | None:
        """Time one block; None where the host did not run ahead of the device, as the figure needs."""
        self.now = cell.starting
        self._pipe.mark(cell.starting)
        with cell.subject.context():
            cell.subject.lead_in(cell.calls, cell.block_s / cell.calls)
            block = self._timed(cell)
        self._clocks.look()
        self._restore_threads(cell)
        return block

    def _timed(self, cell: Cell) -> Block | None:
        if cell.mode not in DEVICE_MODES:
            return cell.subject.block(cell.calls)
        taken = self._on_device.take(cell.mode, cell.subject.call, cell.calls, cell.lead_s)
        cell.calls, cell.lead_s, cell.given_up = taken.calls, taken.lead_s, taken.block is None
        if taken.block is None:
            text = f"{cell.implementation} on {cell.case}: {taken.reason}"
            self._pipe.send(Notice(code="host_not_ahead", text=text))
        return taken.block

    def _restore_threads(self, cell: Cell) -> None:
        """Undo a change of torch's threads, which would slow down or speed up all that come after."""
        if torch.get_num_threads() != self._job.threads:
            torch.set_num_threads(self._job.threads)
            text = f"{cell.implementation} changes torch's number of threads; it was set back after each of its blocks"
            self._pipe.send(Notice(code="changed_threads", text=text))

    def _sample(self, cell: Cell, block: Block, number: int, mode: Mode) -> Sample:
        return Sample(
            implementation=cell.implementation,
            variant=cell.variant,
            case=cell.case,
            device=self._job.device,
            threads=self._job.threads,
            mode=mode,
            process=self._job.process,
            round=number,
            calls=block.calls,
            seconds_per_call=block.seconds_per_call,
            cpu_seconds_per_call=block.usage.cpu_seconds / block.calls,
            minor_faults_per_call=block.usage.minor_faults / block.calls,
            involuntary_switches=block.usage.involuntary_switches,
            thread_cpu_seconds_per_call=block.usage.thread_cpu_seconds / block.calls,
            thread_waits_per_call=block.usage.thread_waits / block.calls,
        )

    def _start(self, implementation: str, case: str, stage: str, limit_s: float) -> None:
        self.now = Starting(implementation=implementation, case=case, stage=stage, limit_s=limit_s)
        self._pipe.send(self.now)
