"""What a recorded trace tells of convolutions: their share of the kernels' time, shared memory, occupancy."""

from __future__ import annotations

import pandas as pd

from profiler.report.escape import code
from profiler.units import count, percent

__all__ = ["convolution_lines"]

_NAMED = 4


def convolution_lines(kernels: pd.DataFrame) -> list[str]:
    """Write lines about the kernels that operators with `conv` in their name launched; none where there are none."""
    here = kernels[kernels["operator"].fillna("").str.contains("conv", case=False)]
    whole, own = float(kernels["device_s"].sum()), float(here["device_s"].sum())
    if own <= 0:
        return []
    operators = here.groupby("operator")["device_s"].sum().sort_values(ascending=False).index
    named = ", ".join(code(str(each)) for each in operators[:_NAMED])
    more = f" and {len(operators) - _NAMED} more" if len(operators) > _NAMED else ""
    launches = here["launches"].sum()
    counted = f"{count(launches)} kernel{'s' if launches != 1 else ''}"
    lines = [f"{counted}, {percent(own / whole)} of the time of all, of {named}{more}"]
    compute, layout = here[here["kind"] == "compute"], here[here["kind"] == "layout"]
    if not layout.empty:
        lines.append(f"{percent(layout['device_s'].sum() / own)} of that time only rearranges or fills memory")
    # What records no shared memory for any kernel of the trace does not know it: ROCm's writes 0.
    told = bool(kernels["shared_bytes"].gt(0).any())
    return [*lines, *(_shared_memory(compute) if told else []), *_occupancy(compute)]


def _shared_memory(compute: pd.DataFrame) -> list[str]:
    known = compute[compute["shared_bytes"].notna() & compute["device_s"].gt(0)]
    if known.empty:
        return []
    share = known.loc[known["shared_bytes"].gt(0), "device_s"].sum() / known["device_s"].sum()
    return [f"{percent(share)} of the time of those that compute is in kernels that use shared memory"]


def _occupancy(compute: pd.DataFrame) -> list[str]:
    # Recorders write 0 where they could not tell: no kernel that ran has an occupancy of 0.
    known = compute[compute["occupancy"].gt(0)]
    if known.empty:
        return []
    mean = (known["occupancy"] * known["device_s"]).sum() / known["device_s"].sum()
    low, high = known["occupancy"].min(), known["occupancy"].max()
    return [
        f"their occupancy, as the recorder estimates it: {percent(mean)} by time, {percent(low)} to {percent(high)}"
    ]
