"""What is gathered of one implementation, from a run's files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from profiler.attribution.files import RunFiles
from profiler.attribution.gather import Gathered
from profiler.store import RunDirectory
from profiler.tables.cpu_samples import CPU_SAMPLES
from profiler.tables.files import write_table

BuildRun = Callable[..., RunDirectory]


def _fallen(implementation: str, kind: str, cause: str, samples: int) -> dict[str, Any]:
    return {
        "implementation": implementation, "case": "ic1ih100oc1kh3ph1", "device": "cpu", "threads": 1, "kind": kind,
        "cause": cause, "library": "a.so", "symbol": "f", "samples": samples, "share": samples / 1000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("implementation", "allocation"),
    [("numpy.im2col", 0.6), ("torch.conv2d", 0.0)],  # 88 faults a call beside the others, and none
)
def test_page_faults_of_a_process_of_ones_own_do_not_count(
    build_run: BuildRun, implementation: str, allocation: float
) -> None:
    run = build_run(threads=[1])
    rows = [
        _fallen(implementation, "page_fault", "allocation", 600),
        _fallen(implementation, "dispatcher", "dispatch", 300),
        _fallen(implementation, "copy", "traffic", 100),
    ]
    write_table(run, CPU_SAMPLES, CPU_SAMPLES.frame(rows))
    gathered = Gathered(RunFiles(run))
    evidence = gathered.evidence(implementation, gathered.conditions[0])
    assert evidence is not None
    assert evidence.samples is not None
    assert evidence.samples.share("allocation") == pytest.approx(allocation)
    assert evidence.samples.share("dispatch") == pytest.approx(0.75 * (1 - allocation))
