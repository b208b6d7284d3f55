"""Markdown tables whose columns are padded, so that they read well in a terminal too."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], alignment: str) -> str:
    """Lay out cells that are safe Markdown already; `alignment` has an l or an r for each column.

    Raises ValueError where a row has another number of cells.
    """
    table = [list(header), *(list(row) for row in rows)]
    if any(len(row) != len(alignment) for row in table):
        raise ValueError(f"a row has not the {len(alignment)} cells that the alignment {alignment!r} names")
    widths = [max(3, *(len(row[column]) for row in table)) for column in range(len(alignment))]
    lines = [_line(row, widths, alignment) for row in table]
    rules = [
        f"{'-' * (width - 1)}:" if side == "r" else "-" * width for width, side in zip(widths, alignment, strict=True)
    ]
    return "\n".join([lines[0], f"| {' | '.join(rules)} |", *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int], alignment: str) -> str:
    cells = [
        cell.rjust(width) if side == "r" else cell.ljust(width)
        for cell, width, side in zip(row, widths, alignment, strict=True)
    ]
    return f"| {' | '.join(cells)} |"
