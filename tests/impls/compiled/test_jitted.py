"""Loops compiled by Numba: compiled before the first call, and once for what they have in common."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from impls.case import ConvCase
from impls.catalog import CATALOG, find
from impls.contract import AVAILABLE
from impls.data import as_given, make_data

CASE = ConvCase.parse("ic1ih9oc1kh3ph1")
NUMBA = [implementation for implementation in CATALOG if implementation.name.startswith("numba.")]
needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="Numba is not installed")


def test_it_is_available_with_numba_alone() -> None:
    answers = {implementation.available(CASE) for implementation in NUMBA}
    if find_spec("numba") is None:
        assert {answer.reason for answer in answers} == {"Numba is not installed: pip install 'convprof[numba]'"}
    else:
        assert answers == {AVAILABLE}


@needs_numba
def test_loops_are_compiled_in_prepare_for_each_dtype_and_never_again() -> None:
    from impls.compiled.numba_loops import convolver

    loops = find("numba.loops")
    for name in ("ic1ih9oc1kh3ph1", "mb2ic2ih7oc3kh2_bias", "ic1ih9oc1kh3ph1_f64"):
        case = ConvCase.parse(name)
        call = loops.prepare(case, *as_given(loops, make_data(case, seed=1)))
        compiled = list(convolver(fastmath=False).signatures)
        call()
        assert convolver(fastmath=False).signatures == compiled
    assert len(compiled) == 2


@needs_numba
def test_a_constant_kernel_is_compiled_for_each_shape_of_kernel_not_of_image() -> None:
    from impls.compiled.numba_loops import convolve_shape

    constant = find("numba.constant_kernel")
    convolve_shape.cache_clear()
    for name in ("ic1ih9oc1kh3ph1", "ic1ih20oc1kh3", "ic1ih9oc1kh3ph1sh2"):
        case = ConvCase.parse(name)
        constant.prepare(case, *as_given(constant, make_data(case, seed=1)))
    assert convolve_shape.cache_info().currsize == 2


@needs_numba
def test_another_process_finds_what_was_compiled_with_the_same_flags() -> None:
    from impls.compiled.numba_loops import convolve_shape, convolver

    given = as_given(find("numba.loops"), make_data(CASE, seed=1))
    for implementation in NUMBA:
        implementation.prepare(CASE, *given)
    for cached in (convolve_shape, convolver):
        cached.cache_clear()  # as in a process that has compiled nothing
    for implementation in NUMBA:
        implementation.prepare(CASE, *given)
    shape = ((1, 3, 3), (1, 1), (1, 1))
    found = [
        *(convolver(fastmath=fastmath) for fastmath in (False, True)),
        *(convolve_shape(shape, parallel=parallel) for parallel in (False, True)),
    ]
    for each in found:
        assert (sum(each.stats.cache_hits.values()), sum(each.stats.cache_misses.values())) == (1, 0)
    # Numba does not tell flags apart in what it keeps; names do.
    assert len({each.py_func.__qualname__ for each in found}) == len(found)


@needs_numba
def test_subclasses_and_other_layouts_are_taken() -> None:
    class Watched(np.ndarray):  # type: ignore[type-arg]
        pass

    loops = find("numba.loops")
    image, weight, _ = as_given(loops, make_data(CASE, seed=1))
    plain = loops.prepare(CASE, image, weight, None)()
    other = loops.prepare(CASE, np.asfortranarray(image).view(Watched), weight.view(Watched), None)()
    assert np.array_equal(plain, other)
