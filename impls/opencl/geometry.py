"""How a case is laid over the kernels of convolution.cl: the sizes they are given, their work-groups and tiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.sizes import sizes_of

__all__ = ["WORK_GROUP", "problem_of", "tile_bytes", "work_group", "work_groups"]

# Columns and rows of a work-group, where device and tile allow it.
WORK_GROUP = (16, 16)


def problem_of(case: ConvCase) -> Any:
    """Give the sizes in the order of `struct convolution` in convolution.cl, as int32."""
    return np.array(sizes_of(case)[1:], dtype=np.int32)


def tile_bytes(case: ConvCase, group: tuple[int, int]) -> int:
    """Count the local memory of the part of a channel that the windows of a work-group (columns, rows) span."""
    columns, rows = group
    width = (columns - 1) * case.stride_width + case.reach[1]
    height = (rows - 1) * case.stride_height + case.reach[0]
    return width * height * case.item_bytes


def work_group(case: ConvCase, most_items: int, most_tile_bytes: int | None = None) -> tuple[int, int] | None:
    """Halve WORK_GROUP until a device takes it, and its tile where there is one; None where not even one item fits."""
    columns, rows = WORK_GROUP
    while columns * rows > most_items or (
        most_tile_bytes is not None and tile_bytes(case, (columns, rows)) > most_tile_bytes
    ):
        if columns * rows == 1:
            return None
        columns, rows = (columns, rows // 2) if rows >= columns else (columns // 2, rows)
    return columns, rows


def work_groups(case: ConvCase, group: tuple[int, int]) -> tuple[int, int, int]:
    """Count the work-groups that cover columns, rows and planes of the output."""
    columns, rows = group
    return -(-case.output_width // columns), -(-case.output_height // rows), case.batch * case.out_channels
