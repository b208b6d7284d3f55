"""What one call launches."""

from __future__ import annotations

import pandas as pd

from profiler.tables.device_profile import DeviceProfile
from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.profile import CallProfile
from profiler.tables.schema import Table, count, number, text
from profiler.trace.runtime_calls import RUNTIME_WORKS

__all__ = ["LAUNCHES", "build"]

LAUNCHES = Table(
    "launches",
    "one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number("ops", "dispatched operators per call, nested ones included"),
        number("leaf_ops", "operators that enter no other recorded operator, per call"),
        number("kernel_launches", "device kernels launched per call; 0 on a CPU"),
        number("graph_launches", "device graphs launched per call"),
        number("memcpys", "device copies per call"),
        number("memsets", "device sets per call"),
        number("synchronizations", "device synchronisations per call, without the recorder's own at its end"),
        number("device_allocations", "calls per call that take or return device memory, beyond torch's own cache"),
        number("kernels", "kernels that ran per call, those in graphs too; NaN where nothing ran on a device"),
        number("queue_depth", "launches waiting in the stream when one more is made, mean"),
        number("exposed_launch_s", "mean seconds per call that launches kept the device idle, under the profiler", "s"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per implementation that is right on a case; figures are NaN without a sound trace."""
    rows: list[dict[str, object]] = []
    for implementation, case in inputs.right():
        rows.append(
            {
                "implementation": implementation,
                "case": case,
                "device": inputs.manifest.device,
                "threads": CAPTURE_THREADS,
                **_launched(inputs.profile(implementation, case), on_device=inputs.manifest.device != "cpu"),
                **_on_device(inputs.device_profile(implementation, case)),
            }
        )
    return LAUNCHES.frame(rows)


def _launched(profile: CallProfile | None, *, on_device: bool) -> dict[str, object]:
    if profile is None:
        return dict.fromkeys(("ops", "leaf_ops", *RUNTIME_WORKS))
    return {
        "ops": sum(each.calls for each in profile.operators),
        "leaf_ops": sum(each.leaf_calls for each in profile.operators),
        **{work: profile.runtime[work] for work in RUNTIME_WORKS},
        # The capture waits once a call for a device.
        "synchronizations": max(0.0, profile.runtime["synchronizations"] - on_device),
    }


def _on_device(profile: DeviceProfile | None) -> dict[str, object]:
    if profile is None:
        return dict.fromkeys(("kernels", "queue_depth", "exposed_launch_s"))
    return {
        "kernels": profile.kernel_runs,
        "queue_depth": profile.queue_depth,
        "exposed_launch_s": profile.exposed_launch_s,
    }
