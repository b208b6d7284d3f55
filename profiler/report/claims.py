"""The article's claims, each with its verdict, the figure that decides and what that rests on."""

from __future__ import annotations

import pandas as pd

from profiler.report.view import RunView
from profiler.tables.claims import CLAIMS

__all__ = ["claim_list"]

_OPEN = "not testable here"


def claim_list(view: RunView) -> list[str]:
    """Write each claim as one item, for a list."""
    return [_item(view, row) for _, row in view.files.table(CLAIMS).iterrows()]


def _item(view: RunView, row: pd.Series) -> str:
    claim, statement, verdict, sentence, figure, evidence = (_text(row[column.name]) for column in CLAIMS.columns)
    told = [f'To quote: "{view.told(sentence)}".' if sentence else "", _sentence(view, "Figure: ", figure)]
    if not verdict.startswith(_OPEN):
        start = f"**{claim} {view.told(verdict)}.** {view.told(statement)}"
        return " ".join(filter(None, [start, *told, _sentence(view, "Evidence: ", evidence)]))
    reason = verdict.removeprefix(_OPEN).lstrip(":").strip()
    # The reason may stand in the verdict, in the evidence, or in both.
    rest = evidence.removeprefix(reason).lstrip(".;: ") if reason else ""
    start = f"**{claim} {_OPEN}:** {_sentence(view, '', reason or evidence or 'no reason is given')}"
    told = [_sentence(view, "The claim: ", statement), *told, _sentence(view, "Evidence: ", rest)]
    return " ".join(filter(None, [start, *told]))


def _sentence(view: RunView, start: str, text: str) -> str:
    return f"{start}{view.told(text).rstrip('.')}." if text else ""


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value).strip()  # type: ignore[call-overload]
