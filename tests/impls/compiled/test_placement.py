"""Outputs begin on a cache line, 1.5 kB after the image modulo 4 kB, and hold what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.compiled.placement import empty_apart


@given(st.integers(0, 2**47).map(lambda at: at * 4), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_an_output_lies_apart_from_an_address(address: int, shape: tuple[int, ...]) -> None:
    output = empty_apart(shape, np.dtype(np.float32), address)
    assert output.shape == shape
    assert output.ctypes.data % 64 == 0
    assert (output.ctypes.data - address) % 4096 in range(1536 - 63, 1537)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_of_an_output_can_be_written(dtype: type[np.floating]) -> None:
    for address in range(0, 4096, 64):
        output = empty_apart((3, 5, 7), np.dtype(dtype), address)
        output[...] = 1.0
        assert output.sum() == 105
        assert output.base is not None
        assert output.base.nbytes >= output.nbytes
