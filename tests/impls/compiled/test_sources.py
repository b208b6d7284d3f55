"""The C sources beside c.direct: their look-up, the cases they are for, and what they compute across their tiles."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled.compiler import find_compiler, missing_compiler
from impls.compiled.factory import DEFAULT_FLAGS
from impls.compiled.sources import FAST_FIR, SOURCES, named
from impls.data import Data, as_given, make_data
from impls.errors import BuildError
from impls.reference import check

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())

# Tiles so small that a small image takes several, the last of them cut short in both directions.
SMALL_TILES = {
    "c.blocked": "c.blocked[-O1 -DBLOCK_ROWS=3 -DBLOCK_COLUMNS=5]",
    "c.fast_fir": "c.fast_fir[-O1 -DTILE_ROWS=3 -DTILE_COLUMNS=8]",
}


def _compute(name: str, case: ConvCase, data: Data) -> Any:
    implementation = find(name)
    return implementation.prepare(case, *as_given(implementation, data))()


def _verify(name: str, case: ConvCase) -> None:
    data = make_data(case, seed=5)
    answer = check(case, _compute(name, case, data), data.image, data.weight, data.bias, kind=find(name).error_bound)
    assert answer.correct, f"{name} on {case.name}: {answer.reason}"


@st.composite
def _dense_cases(draw: st.DrawFn, least_kernel: int) -> ConvCase:
    """Draw problems of stride and dilation 1, several channels, and padding up to more than the kernel."""
    groups = draw(st.integers(1, 2))
    drawn: dict[str, int] = {}
    for side in ("height", "width"):
        kernel = draw(st.integers(least_kernel, 12))
        padding = draw(st.integers(0, kernel + 1))
        least = max(1, kernel - 2 * padding)
        drawn |= {side: least + draw(st.integers(0, 30)), f"kernel_{side}": kernel, f"padding_{side}": padding}
    return ConvCase(
        **drawn,
        batch=draw(st.integers(1, 2)),
        in_channels=groups * draw(st.integers(1, 2)),
        out_channels=groups * draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(["float32", "float64"])),
    )


@needs_compiler
@given(case=_dense_cases(least_kernel=1))
@settings(deadline=None, max_examples=40)
def test_blocks_of_any_shape_make_up_the_whole(case: ConvCase) -> None:
    _verify(SMALL_TILES["c.blocked"], case)


@needs_compiler
@given(case=_dense_cases(least_kernel=5))
@settings(deadline=None, max_examples=25)
def test_fast_fir_computes_kernels_of_even_and_odd_size_across_tiles(case: ConvCase) -> None:
    _verify(SMALL_TILES["c.fast_fir"], case)


@needs_compiler
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize(
    "name", ["ic1ih70iw300oc1kh11ph5", "ic2ih33iw270oc2kh6kw5ph6pw1_bias_f64", "ic1ih64oc1kh64ph32"]
)
def test_tiles_as_they_are_and_the_largest_kernel(source: Any, name: str) -> None:
    _verify(f"c.{source.name}", ConvCase.parse(name))


@needs_compiler
@pytest.mark.parametrize("name", SMALL_TILES)
def test_tiles_give_fresh_outputs_and_leave_what_they_are_given(name: str) -> None:
    case = ConvCase.parse("ic1ih20oc1kh7ph3")
    implementation = find(name)
    given_arrays = as_given(implementation, make_data(case, seed=2))
    before = [None if array is None else array.copy() for array in given_arrays]
    call = implementation.prepare(case, *given_arrays)
    first, second = call(), call()
    assert not np.shares_memory(first, second)
    for array, copy in zip(given_arrays[:2], before[:2], strict=True):
        assert np.array_equal(array, copy)


@needs_compiler
def test_fast_fir_needs_the_norm_wise_bound_where_neighbours_differ_in_size() -> None:
    """The difference of a small element and a large neighbour loses what is small, which a direct sum would keep."""
    case = ConvCase.parse("ic1ih12oc1kh5")
    data = make_data(case, seed=1)
    data.image[..., 1::2] *= 1e6
    data.weight[..., 1::2] *= 1e-6
    output = _compute("c.fast_fir", case, data)
    answers = {
        kind: check(case, output, data.image, data.weight, data.bias, kind=kind) for kind in ("direct", "transform")
    }
    assert not answers["direct"].correct
    assert answers["transform"].correct
    assert FAST_FIR.error_bound == "transform"


@pytest.mark.parametrize(
    ("name", "case", "reason"),
    [
        ("c.blocked", "ic1ih9oc1kh3sh2", r"stride 1 and dilation 1, and the case is ic1ih9oc1kh3sh2; see c\.direct"),
        ("c.fast_fir", "ic1ih19oc1kh5dh1dw0", r"stride 1 and dilation 1, and the case is .*; see c\.direct"),
        ("c.blocked", "ic1ih99oc1kh3kw65", r"kernels up to 64x64, and the case has 3x65; see c\.direct"),
        ("c.fast_fir", "ic1ih99oc1kh11kw4", r"nothing below 5x5, and the case has 11x4; see c\.constant_kernel"),
    ],
)
@needs_compiler
def test_a_case_beyond_the_idea_is_declined_with_one_that_computes_it(name: str, case: str, reason: str) -> None:
    problem = ConvCase.parse(case)
    answer = find(name).available(problem)
    assert not answer.available
    assert re.search(reason, answer.reason)
    assert find(answer.reason.rpartition("see ")[2]).available(problem).available


@needs_compiler
def test_the_kernel_is_compiled_in() -> None:
    """A library for each kernel: one for another would compute something else."""
    for case in (ConvCase.parse("ic1ih9oc1kh3"), ConvCase.parse("ic1ih9oc1kh2kw3"), ConvCase.parse("ic1ih9oc1kh3sw2")):
        _verify("c.constant_kernel", case)
        _verify("c.constant_kernel", replace(case, dtype="float64"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_each_source_is_found_by_its_name_with_any_flags(source: Any) -> None:
    assert source.path.is_file()
    assert named(f"c.{source.name}") == (source, DEFAULT_FLAGS)
    assert named(f"c.{source.name}[]") == (source, "")
    assert named(f"c.{source.name}[-O1 -DX=[]]") == (source, "-O1 -DX=[]")
    assert find(f"c.{source.name}[-O1]").name == f"c.{source.name}[-O1]"


@pytest.mark.parametrize("name", ["c.another", "c.another[-O1]", "direct", "c.direct-O1", "numpy.im2col", ""])
def test_no_other_name_is_a_c_source(name: str) -> None:
    assert named(name) is None


@needs_compiler
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_compile_that_fails_is_one_line_for_each(source: Any) -> None:
    case = ConvCase.parse("ic1ih20oc1kh5ph2")
    implementation = find(f"c.{source.name}[-O1 -fno-such-flag]")
    assert implementation.available(case).available, "what the compiler says is known when it has said it"
    with pytest.raises(BuildError, match=rf"cannot compile {source.name}\.c with flags '-O1 -fno-such-flag") as caught:
        implementation.prepare(case, *as_given(implementation, make_data(case, seed=1)))
    assert "\n" not in str(caught.value)
