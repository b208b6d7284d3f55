"""Which samples count, and the file that holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from profiler.records import AnyRecord, ProcessEnded, Sample
from profiler.store import RunDirectory

__all__ = ["LEAST_ROUNDS", "kept_samples", "write_samples"]

# A process that was killed or died has measured as well as any other up to then; from fewer rounds its median would be
# noise, and the hierarchical bootstrap gives each process the same weight.
LEAST_ROUNDS = 3


def kept_samples(records: Iterable[AnyRecord]) -> list[Sample]:
    """Give the samples of complete processes, and of others from three rounds of the steady state on."""
    samples: list[Sample] = []
    rounds: defaultdict[int, set[int]] = defaultdict(set)
    complete: set[int] = set()
    for record in records:
        if isinstance(record, Sample):
            samples.append(record)
            if record.mode == "steady":
                rounds[record.process].add(record.round)
        elif isinstance(record, ProcessEnded) and record.complete:
            complete.add(record.process)
    kept = complete | {process for process, seen in rounds.items() if len(seen) >= LEAST_ROUNDS}
    return [sample for sample in samples if sample.process in kept]


def write_samples(run: RunDirectory) -> None:
    """Write `samples.parquet` from the journal: a column per field of `Sample`, a row per timed block that counts."""
    import pandas as pd

    fields = Sample.__struct_fields__
    rows = [tuple(getattr(sample, field) for field in fields) for sample in kept_samples(run.records())]
    run.write_frame(pd.DataFrame(rows, columns=list(fields)), run.samples_path)
