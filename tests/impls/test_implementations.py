"""Every implementation that runs on the CPU, on random problems against the oracle."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from impls.case import ConvCase
from impls.catalog import CATALOG, find
from impls.contract import Implementation
from impls.data import as_given, make_data
from impls.reference import check

ON_CPU = [each for each in CATALOG if "cpu" in each.devices]  # the others: tests/impls/cuda


def _each(implementations: Sequence[Implementation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("implementation", implementations, ids=lambda implementation: implementation.name)


EVERY = _each(ON_CPU)
# Those that may decline a case: the article's listings, backends that know some problems only, C sources that work on
# tiles (tests/impls/compiled/test_sources.py says which they compute), and libraries that pad less or know one dtype.
DECLINING = {
    "article.numpy_loop",
    "article.torch_loop",
    "torch.mkldnn",
    "torch.slow_conv2d",
    "torch.nnpack",
    "c.blocked",
    "c.fast_fir",
    "opencv.filter2d",
    "scipy.ndimage_correlate",
    "scipy.correlate2d",
    "scipy.fftconvolve",
    "scipy.oaconvolve",
    "ipp.filter_border",
    "onnxruntime.conv",
    "openvino.convolution",
}
# Each random case would be compiled for a second or two.
COMPILED_PER_CASE = {"torch.compile[shift_add]", "torch.compile[conv2d]", "numba.constant_kernel", "numba.parallel"}
NAMED_CASES = (
    "ic1ih7oc1kh3ph1",
    "ic1ih6iw9oc1kh5kw1ph2pw0",
    "g2mb2ic4ih9iw7oc6kh3kw2sh2sw1ph2pw1dh1dw0_bias",
    "g3mb1ic3ih5iw8oc3kh2kw3sh1sw3ph0pw2_f64",
)


def _mode(implementation: Implementation) -> contextlib.AbstractContextManager[Any]:
    return torch.inference_mode(mode=implementation.grad_mode == "inference")


def _verify(implementation: Implementation, case: ConvCase) -> None:
    data = make_data(case, seed=11)
    with _mode(implementation):
        call = implementation.prepare(case, *as_given(implementation, data))
        first, second = call(), call()
    for output in (first, second):
        answer = check(case, output, data.image, data.weight, data.bias, kind=implementation.error_bound)
        assert answer.correct, f"{implementation.name} on {case.name}: {answer.reason}"
    assert not np.shares_memory(_array(first), _array(second)), "each call owes a fresh output"
    assert isinstance(first, torch.Tensor) == (implementation.arrays == "torch")


def _array(output: Any) -> Any:
    return output.detach().numpy() if isinstance(output, torch.Tensor) else output


def _skip_unavailable(implementation: Implementation) -> None:
    answer = implementation.available(ConvCase.parse(NAMED_CASES[0]))
    if not answer.available:
        pytest.skip(answer.reason)


CLAIMED = [
    pytest.param(implementation, name, id=f"{implementation.name}-{name}")
    for implementation in ON_CPU
    for name in NAMED_CASES
    if implementation.available(ConvCase.parse(name)).available
]


@pytest.mark.parametrize(("implementation", "name"), CLAIMED)
def test_it_computes_the_cases_it_claims(implementation: Implementation, name: str) -> None:
    _verify(implementation, ConvCase.parse(name))


@_each([each for each in ON_CPU if each.name not in COMPILED_PER_CASE])
@given(case=...)
@settings(deadline=None, max_examples=25)
def test_it_computes_random_cases_or_says_why_not(implementation: Implementation, case: ConvCase) -> None:
    _skip_unavailable(implementation)
    _verify_or_decline(implementation, case)


@_each([each for each in ON_CPU if each.name in COMPILED_PER_CASE])
@given(case=...)
@settings(deadline=None, max_examples=4)
def test_it_computes_a_few_random_cases_compiled_for_each(implementation: Implementation, case: ConvCase) -> None:
    _skip_unavailable(implementation)
    _verify_or_decline(implementation, case)


def _verify_or_decline(implementation: Implementation, case: ConvCase) -> None:
    answer = implementation.available(case)
    if answer.available:
        _verify(implementation, case)
    else:
        assert implementation.name in DECLINING
        assert answer.reason


@EVERY
def test_the_given_arrays_are_left_as_they_were(implementation: Implementation) -> None:
    _skip_unavailable(implementation)
    case = ConvCase.parse(NAMED_CASES[0])
    with _mode(implementation):
        image, weight, bias = as_given(implementation, make_data(case, seed=1))
        before = _array(image).copy(), _array(weight).copy()
        implementation.prepare(case, image, weight, bias)()
    assert np.array_equal(_array(image), before[0])
    assert np.array_equal(_array(weight), before[1])


@pytest.mark.parametrize("name", [each.name for each in ON_CPU if each.name.startswith("numpy.")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_keeps_the_dtype_in_every_intermediate_result(name: str, dtype: str) -> None:
    implementation = find(name)
    case = ConvCase.parse("mb2ic2ih6oc2kh3ph1_bias" + ("_f64" if dtype == "float64" else ""))
    image, weight, bias = as_given(implementation, make_data(case, seed=1))
    seen: set[str] = set()

    class Watched(np.ndarray[Any, Any]):
        def __array_finalize__(self, _source: object) -> None:
            seen.add(str(self.dtype))

    implementation.prepare(case, image.view(Watched), weight.view(Watched), bias.view(Watched))()
    spectra = {"float32": "complex64", "float64": "complex128"}[dtype]
    assert seen - {spectra if name == "numpy.fft" else ""} == {dtype}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("numpy.shift_add", {"empty_like": 2, "copyto": 5, "multiply": 9, "add": 9}),
        ("numpy.sliding_window", {"empty_like": 1, "copyto": 5, "sliding_window_view": 1, "einsum": 1, "add": 1}),
        ("numpy.im2col", {"empty_like": 2, "copyto": 5 + 9, "matmul": 1, "add": 1}),
        ("numpy.row_loop", {"empty_like": 3, "copyto": 5, "multiply": 6 * 9, "add": 6 * 8 + 1}),
        (
            "numpy.tensordot",
            {"empty_like": 2, "copyto": 5 + 1, "sliding_window_view": 1, "tensordot": 1, "moveaxis": 1, "add": 1},
        ),
        ("numpy.fft", {"rfft2": 1, "multiply": 1, "irfft2": 1, "empty_like": 1, "add": 1}),
    ],
)
def test_numpys_array_protocols_see_all_the_work(
    name: str, seen: dict[str, int], count_numpy: Callable[[Implementation, ConvCase], Counter[str]]
) -> None:
    assert count_numpy(find(name), ConvCase.parse("ic1ih6oc1kh3ph1_bias")) == seen
