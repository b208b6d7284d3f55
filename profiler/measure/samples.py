"""Which samples count, and the file that holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from profiler.records import AnyRecord, Mode, ProcessEnded, Sample
from profiler.store import RunDirectory

__all__ = ["LEAST_ROUNDS", "kept_samples", "write_samples"]

# A process that was killed or died has measured as well as any other up to then; from fewer rounds its median would be
# noise, and the hierarchical bootstrap gives each process the same weight.
LEAST_ROUNDS = 3

# A mode counts where one of these was timed in enough rounds. A smallest input may bear the name of a case, so that its
# rounds must not be taken for those of the case; which of the two a warm-up belongs to does not show.
_JUDGED_BY: dict[Mode, tuple[Mode, ...]] = {
    "steady": ("steady",),
    "twin": ("steady",),
    "unit": ("unit",),
    "warmup": ("steady", "unit"),
    "latency": ("steady",),
    "device_only": ("steady",),
    "cache_warm": ("steady",),
    "cache_flushed": ("steady",),
}


def kept_samples(records: Iterable[AnyRecord]) -> list[Sample]:
    """Give the samples of complete processes, and of others those of each case that was timed in three rounds at least.

    A process goes from case to case, so the one that was in hand when it died may have fewer rounds than those before.
    """
    samples: list[Sample] = []
    rounds: defaultdict[tuple[int, str, Mode], set[int]] = defaultdict(set)
    complete: set[int] = set()
    for record in records:
        if isinstance(record, Sample):
            samples.append(record)
            rounds[record.process, record.case, record.mode].add(record.round)
        elif isinstance(record, ProcessEnded) and record.complete:
            complete.add(record.process)
    lasting = {key for key, seen in rounds.items() if len(seen) >= LEAST_ROUNDS}
    return [
        sample
        for sample in samples
        if sample.process in complete
        or any((sample.process, sample.case, mode) in lasting for mode in _JUDGED_BY[sample.mode])
    ]


def write_samples(run: RunDirectory) -> None:
    """Write `samples.parquet` from the journal: a column per field of `Sample`, a row per timed block that counts."""
    import pandas as pd

    fields = Sample.__struct_fields__
    rows = [tuple(getattr(sample, field) for field in fields) for sample in kept_samples(run.records())]
    run.write_frame(pd.DataFrame(rows, columns=list(fields)), run.samples_path)
