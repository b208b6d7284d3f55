"""What a reader must know of the conditions under which was measured: one line a fact, with its figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from statistics import median

from impls.user import entry_point_names
from profiler.environment import HostTimes, host_load, throttled_count, usable_cores
from profiler.manifest import Manifest
from profiler.measure.convergence import steady_panel, widest_gap
from profiler.measure.ledger import Ledger
from profiler.records import LEAST_PROCESSES, Notice, Sample

__all__ = ["FINDINGS", "HostWatch", "busy_limit", "findings", "left_out"]

_BUSY_PROCESSORS = 0.3
_BUSY_SHARE = 0.15  # of many processors some may be busy and leave room enough for us
_STOLEN_PROCESSORS = 0.05
_SWITCHES_PER_SECOND = 50.0
_DISAGREEMENT = 0.05  # DESIGN, section 6: beyond it a gap is refused
_WIDE = 0.02
_SLOWED_ROUNDS = 0.05
_CLOCK_RANGE = 0.05


def busy_limit(cores: int) -> float:
    """Give how many of the usable processors others may keep busy before a host counts as busy."""
    return max(_BUSY_PROCESSORS, _BUSY_SHARE * cores)


class HostWatch:
    """Watch what others do on this machine, before and during the measurement."""

    def __init__(self) -> None:
        self.before_start = host_load()
        self._throttled = throttled_count()
        self._start = HostTimes.now()

    def notices(self) -> Iterator[Notice]:
        """Say what was seen since."""
        now, cores = HostTimes.now(), usable_cores()
        others, stolen = now.others_since(self._start), now.steal_since(self._start)
        if self.before_start > busy_limit(cores):
            text = f"other programs kept {self.before_start:.1f} of {cores} processors busy before the start"
            yield Notice(code="busy_host", text=text)
        if others > busy_limit(cores):
            text = f"other programs kept {others:.1f} of {cores} processors busy while measuring"
            yield Notice(code="busy_host", text=text)
        if stolen > _STOLEN_PROCESSORS:
            text = f"the hypervisor took {stolen:.2f} of {cores} processors away while measuring"
            yield Notice(code="busy_host", text=text)
        throttled = throttled_count()
        if throttled is not None and self._throttled is not None and throttled > self._throttled:
            times = throttled - self._throttled
            text = f"processors were throttled {times} times while measuring, by heat or by the control group's quota"
            yield Notice(code="throttled", text=text)


def left_out(manifest: Manifest) -> Iterator[Notice]:
    """Say which installed implementations are not in the plan because one that ships has their name."""
    shipped = {planned.name for planned in manifest.implementations if planned.source == "catalog"}
    for name in entry_point_names():
        if name in shipped:
            text = (
                f"an installed package offers another {name}; the one that ships was measured. Rename the entry point "
                "to measure both"
            )
            yield Notice(code="entry_point_left_out", text=text)


def findings(manifest: Manifest, ledger: Ledger) -> Iterator[Notice]:
    """Say what the samples themselves show, condition by condition."""
    samples = ledger.samples()
    for threads in manifest.threads:
        for finding in FINDINGS:
            yield from finding(manifest, ledger, samples, threads)


def _short_of_cores(manifest: Manifest, _: Ledger, __: list[Sample], threads: int) -> Iterator[Notice]:
    cores = manifest.environment.usable_cores
    if threads > cores:
        text = f"{threads} threads were measured on {cores} usable cores: they wait for each other"
        yield Notice(code="short_of_cores", text=text)


def _interrupted(_: Manifest, __: Ledger, samples: list[Sample], threads: int) -> Iterator[Notice]:
    """Look at one-thread blocks only: with several threads, switches between one's own are no disturbance."""
    seconds: defaultdict[str, float] = defaultdict(float)
    switches: defaultdict[str, int] = defaultdict(int)
    for sample in samples:
        if sample.threads == threads == 1 and sample.mode in ("steady", "twin", "unit"):
            seconds[sample.implementation] += sample.calls * sample.seconds_per_call
            switches[sample.implementation] += sample.involuntary_switches
    # An implementation whose own threads take turns is switched often; a busy host switches them all.
    rates = [switches[name] / seconds[name] for name in seconds if seconds[name]]
    if rates and median(rates) > _SWITCHES_PER_SECOND:
        text = f"the kernel took the processor away {median(rates):.0f} times a second during one-thread blocks"
        yield Notice(code="busy_host", text=text)


def _slowed_device(_: Manifest, ledger: Ledger, __: list[Sample], threads: int) -> Iterator[Notice]:
    """Name a device whose clocks were held back, or went up and down; once, with the first number of threads."""
    rounds = ledger.clocks if threads == 1 else []
    slowed = [each for each in rounds if each.slowed]
    if len(slowed) > _SLOWED_ROUNDS * len(rounds):
        names = ", ".join(sorted({name for each in slowed for name in each.slowed}))
        text = f"the device's clocks were held back in {len(slowed)} of {len(rounds)} rounds, by {names}"
        yield Notice(code="throttled", text=text)
    if rounds:
        least, most = min(each.least_mhz for each in rounds), max(each.most_mhz for each in rounds)
        if most > (1 + _CLOCK_RANGE) * least:
            text = f"the device's clocks went from {least} to {most} MHz while measuring; nvidia-smi -lgc fixes them"
            yield Notice(code="device_clocks", text=text)


def _no_steady_state(manifest: Manifest, _: Ledger, samples: list[Sample], threads: int) -> Iterator[Notice]:
    for case in manifest.cases:
        panel = steady_panel(samples, case, threads)
        counts = zip(panel.cells, panel.settled(), panel.drifting().sum(axis=1), panel.process_counts(), strict=True)
        found = [f"{cell} ({count} of {all_})" for cell, settled, count, all_ in counts if all_ and not settled]
        if found:
            text = (
                f"still getting faster or slower by more than 5 % within processes on {case} {_with(threads)}, "
                f"so no steady state: {', '.join(found)} processes"
            )
            yield Notice(code="no_steady_state", text=text)


def _process_disagreement(manifest: Manifest, _: Ledger, samples: list[Sample], threads: int) -> Iterator[Notice]:
    for case in manifest.cases:
        panel = steady_panel(samples, case, threads)
        spreads = list(zip(panel.cells, panel.process_spread(), panel.process_disagreement(), strict=True))
        apart = [f"{cell} ({inner:.0%})" for cell, _, inner in spreads if inner > _DISAGREEMENT]
        if apart:
            text = f"processes disagree by more than 5 % on {case} {_with(threads)}: {', '.join(apart)}"
            yield Notice(code="process_disagreement", text=text)
        lone = [f"{cell} ({spread:.0%})" for cell, spread, inner in spreads if inner <= _DISAGREEMENT < spread]
        if lone:
            text = f"one process lies more than 5 % off on {case} {_with(threads)}, the others agree: {', '.join(lone)}"
            yield Notice(code="outlying_process", text=text)


def _wide_interval(manifest: Manifest, _: Ledger, samples: list[Sample], threads: int) -> Iterator[Notice]:
    gap = widest_gap(samples, manifest, threads)
    if gap is not None and gap.relative > _WIDE:
        text = (
            f"time was up before every gap was known to ±2 % {_with(threads)}: the widest is {gap.subject}'s on "
            f"{gap.case}, ±{gap.relative:.0%}; --time {4 * manifest.time_s:.0f} would about halve it"
        )
        yield Notice(code="wide_interval", text=text)


def _few_processes(_: Manifest, ledger: Ledger, samples: list[Sample], threads: int) -> Iterator[Notice]:
    processes = ledger.complete("steady", threads)
    if processes < LEAST_PROCESSES and any(sample.threads == threads for sample in samples):
        text = f"time allowed {processes} of {LEAST_PROCESSES} processes {_with(threads)}; allow more --time"
        yield Notice(code="few_processes", text=text)


def _too_slow(manifest: Manifest, ledger: Ledger, samples: list[Sample], threads: int) -> Iterator[Notice]:
    measured = {(sample.implementation, sample.case) for sample in samples if sample.threads == threads}
    for case in manifest.cases:
        slow: list[str] = []
        for planned in manifest.implementations:
            known = ledger.outcome(planned.name, case, threads)
            if known is not None and known.status == "ok" and (planned.name, case) not in measured:
                slow.append(f"{planned.name} ({known.seconds_per_call or 0.0:.2g} s a call)")
        if slow:
            text = (
                f"no time in {manifest.time_s:g} s for steady samples on {case} {_with(threads)} of {', '.join(slow)}; "
                "allow more --time"
            )
            yield Notice(code="too_slow", text=text)


def _with(threads: int) -> str:
    return "with one thread" if threads == 1 else f"with {threads} threads"


Finding = Callable[[Manifest, Ledger, list[Sample], int], Iterator[Notice]]
FINDINGS: tuple[Finding, ...] = (
    _short_of_cores,
    _interrupted,
    _slowed_device,
    _no_steady_state,
    _process_disagreement,
    _wide_interval,
    _few_processes,
    _too_slow,
)
