"""A convolution made of filtered planes: windows, strides, gaps, channels, with a filter that every machine has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from impls.case import ConvCase
from impls.contract import Call
from impls.data import Data, make_data
from impls.peers.planes import Place, by_planes, too_much_padding
from impls.reference import check, convolve


def _full(case: ConvCase, *, reuse: bool) -> tuple[Callable[[Any, Any], Call], Place]:
    """Give a filter of every place where kernel and image meet, and the case's first output in it."""
    height, width = case.reach
    alone = ConvCase(
        height=case.height,
        width=case.width,
        kernel_height=height,
        kernel_width=width,
        padding_height=height - 1,
        padding_width=width - 1,
        dtype=case.dtype,
    )
    memory = np.empty(alone.output_shape[2:], case.dtype) if reuse else None

    def bind(plane: Any, kernel: Any) -> Call:
        def filtered() -> Any:
            result = convolve(alone, plane[None, None], kernel[None, None])[0, 0].astype(case.dtype)
            if memory is None:
                return result
            memory[...] = result
            return memory

        return filtered

    rows, columns = height - 1 - case.padding_height, width - 1 - case.padding_width
    return bind, Place(rows, columns, *alone.output_shape[2:])


def _call(case: ConvCase, data: Data, *, reuse: bool = False) -> Call:
    bind, place = _full(case, reuse=reuse)
    return by_planes(case, data.image, data.weight, data.bias, bind, place, reuse=reuse)


@pytest.mark.parametrize("reuse", [False, True])
@given(case=...)
def test_planes_make_up_any_convolution(reuse: bool, case: ConvCase) -> None:
    assume(not too_much_padding(case, "it", tuple(extent - 1 for extent in case.reach)))
    data = make_data(case, seed=2)
    call = _call(case, data, reuse=reuse)
    for output in (call(), call()):
        answer = check(case, output, data.image, data.weight, data.bias)
        assert answer.correct, answer.reason


@pytest.mark.parametrize("name", ["ic1ih6oc1kh3ph1", "ic1ih6oc1kh3ph1_bias", "g2ic4ih6oc2kh3ph1"])
def test_reuse_means_one_memory_and_else_each_call_has_its_own(name: str) -> None:
    case = ConvCase.parse(name)
    data = make_data(case, seed=2)
    fresh, reused = _call(case, data), _call(case, data, reuse=True)
    assert not np.shares_memory(fresh(), fresh())
    assert np.shares_memory(reused(), reused())


def test_padding_beyond_the_librarys_is_told_with_both_figures() -> None:
    case = ConvCase.parse("ic1ih9oc1kh3kw2ph2pw0dh1dw0")
    assert too_much_padding(case, "It", (2, 0)) == ""
    assert too_much_padding(case, "It", (1, 0)) == (
        "It pads at most 1x0 for a kernel that spans 5x2, not 2x0; choose less padding"
    )
