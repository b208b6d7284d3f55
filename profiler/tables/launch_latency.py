"""How long launched kernels wait, where a runtime tells when it queued, submitted and started them."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.schema import Table, count, number, text

__all__ = ["LAUNCH_LATENCY", "build"]

LAUNCH_LATENCY = Table(
    "launch_latency",
    "one kernel of one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("kernel", "name of the kernel"),
        text("runtime", "what launched it: opencl"),
        text("runs_on", "the runtime's device, in the runtime's words"),
        number("launches", "launches per call"),
        number("call_s", "median time of the host's call that launches, profiled", "s"),
        number("queued_s", "median time from queued by the host to submitted to the device, profiled", "s"),
        number("submitted_s", "median time from submitted to started, profiled", "s"),
        number("latency_s", "median time from queued to started, profiled", "s"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per kernel whose moments a sound trace holds; none for a runtime that does not tell them."""
    return LAUNCH_LATENCY.frame(
        {
            "implementation": implementation,
            "case": case,
            "device": inputs.manifest.device,
            "threads": CAPTURE_THREADS,
            **asdict(waits),
        }
        for implementation, case in inputs.right()
        if (profile := inputs.profile(implementation, case)) is not None
        for waits in profile.launch_waits
    )
