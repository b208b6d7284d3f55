"""Work-groups cover the output, and shrink until a device takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.opencl.geometry import WORK_GROUP, problem_of, tile_bytes, work_group, work_groups

CASE = ConvCase.parse("g2mb3ic4ih40iw50oc6kh3kw5sh2sw1ph1pw0dh0dw1")


def test_the_sizes_are_in_the_order_of_the_source() -> None:
    sizes = [2, 2, 3, 40, 50, 20, 42, 3, 5, 2, 1, 1, 0, 1, 2]
    assert problem_of(CASE).tolist() == sizes
    assert problem_of(CASE).dtype == "int32"


def test_a_tile_is_what_the_windows_of_a_group_span() -> None:
    # 4 columns of windows that span 9, 2 rows of windows that span 3 and are 2 apart.
    assert tile_bytes(CASE, (4, 2)) == (3 + 9) * (2 + 3) * 4
    assert tile_bytes(ConvCase.parse("ic1ih9oc1kh3_f64"), (1, 1)) == 9 * 8


@pytest.mark.parametrize(
    ("most_items", "most_bytes", "group"),
    [
        (4096, None, WORK_GROUP),
        (256, 1 << 20, WORK_GROUP),
        (255, None, (16, 8)),
        (1, None, (1, 1)),
        (4096, 1000, (8, 4)),
        (4096, 107, None),
    ],
)
def test_a_group_is_halved_until_it_fits(
    most_items: int, most_bytes: int | None, group: tuple[int, int] | None
) -> None:
    assert work_group(CASE, most_items, most_bytes) == group


@given(case=..., most_items=st.integers(1, 300))
def test_groups_cover_the_output_and_none_lies_outside(case: ConvCase, most_items: int) -> None:
    group = work_group(case, most_items)
    assert group is not None
    assert group[0] * group[1] <= most_items
    *counts, planes = work_groups(case, group)
    assert planes == case.batch * case.out_channels
    for number, items, outputs in zip(counts, group, (case.output_width, case.output_height), strict=True):
        assert (number - 1) * items < outputs <= number * items
