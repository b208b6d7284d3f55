"""Conditions in tables: which there are, and the rows of one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from profiler.attribution.evidence import Condition

__all__ = ["conditions_in", "within"]


def conditions_in(rows: pd.DataFrame, cases: Sequence[str]) -> tuple[Condition, ...]:
    """List the conditions that a table's rows are of: cases as planned, fewer threads first."""
    seen = set(rows[["case", "device", "threads"]].itertuples(index=False, name=None))
    order = {case: position for position, case in enumerate(cases)}
    found = [Condition(str(case), str(device), int(threads)) for case, device, threads in seen]
    return tuple(sorted(found, key=lambda each: (order.get(each.case, len(order)), each.device, each.threads)))


def within(rows: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    """Give a table's rows of one condition."""
    same = (rows["case"] == condition.case) & (rows["device"] == condition.device)
    return rows[same & (rows["threads"] == condition.threads)]
