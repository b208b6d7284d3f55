"""What `convprof list` shows: every implementation, and whether it can run a case here."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from impls.case import parse_cases
from impls.catalog import CATALOG
from impls.user import entry_point_names
from profiler.measure.plan import is_shipped

__all__ = ["listing", "listing_text"]


def listing(case: str) -> list[dict[str, Any]]:
    """Give one row an implementation, for the first case that the text names; raises CaseNameError."""
    problem = parse_cases(case)[0]
    rows: list[dict[str, Any]] = []
    for implementation in CATALOG:
        answer = implementation.available(problem)
        rows.append(
            {
                "name": implementation.name,
                "family": implementation.family,
                "available": answer.available,
                "reason": answer.reason,
                "summary": implementation.summary,
                "switches": [switch.name for switch in implementation.switches],
                "primary": implementation.primary,
            }
        )
    for name in entry_point_names():
        if is_shipped(name):
            continue  # what ships wins, here as in a run
        rows.append(
            {
                "name": name,
                "family": "manual",
                "available": True,
                "reason": "",
                "summary": "from an installed package (entry point)",
                "switches": [],
                "primary": True,
            }
        )
    return rows


def listing_text(rows: list[dict[str, Any]]) -> str:
    """Align the rows for a terminal; what cannot run carries its reason."""
    width = max(len(row["name"]) for row in rows)
    lines = [
        f"{' ' if row['primary'] else '+'} {row['name']:<{width}}  {row['family']:<7}  "
        + (row["summary"] if row["available"] else f"unavailable: {row['reason']}")
        for row in rows
    ]
    torch_missing = find_spec("torch") is None
    note = ["", "torch is not installed: `pip install torch`"] if torch_missing else []
    more = ["", "+: only when named, as in --impl 'c.*'"] if any(not row["primary"] for row in rows) else []
    return "\n".join([*lines, *note, *more, "", "Your own: --impl path/to/file.py:function"])
