"""Data: reproducible, and free of values that change an implementation's speed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impls.case import ConvCase
from impls.catalog import find
from impls.data import as_given, make_data


@pytest.mark.parametrize("name", ["mb2ic2ih40iw30oc3kh3_bias", "mb2ic2ih40iw30oc3kh3_bias_f64"])
def test_data_has_the_cases_shapes_and_no_zeros_or_denormals(name: str) -> None:
    case = ConvCase.parse(name)
    data = make_data(case, seed=1)
    assert data.bias is not None
    assert (data.image.shape, data.weight.shape, data.bias.shape) == (case.image_shape, case.weight_shape, (3,))
    for array in (data.image, data.weight, data.bias):
        assert array.dtype == case.dtype
        assert np.abs(array).min() >= 2.0**-20
    assert 0.9 < data.image.std() < 1.1


def test_a_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    case = ConvCase.parse("ic1ih8oc1kh3ph1")
    first, again, other = make_data(case, seed=1), make_data(case, seed=1), make_data(case, seed=2)
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)
    assert first.bias is None


@pytest.mark.parametrize(("name", "kind"), [("torch.conv2d", torch.Tensor), ("numpy.im2col", np.ndarray)])
def test_an_implementation_is_given_copies_of_the_kind_it_takes(name: str, kind: type) -> None:
    data = make_data(ConvCase.parse("ic1ih8oc1kh3ph1"), seed=1)
    image, weight, bias = as_given(find(name), data)
    assert isinstance(image, kind)
    assert isinstance(weight, kind)
    assert bias is None
    before = data.image.copy()
    image *= 0
    assert np.array_equal(data.image, before)


def test_tensors_are_fit_for_autograd_even_if_made_under_inference_mode() -> None:
    with torch.inference_mode():
        image, *_ = as_given(find("article.module"), make_data(ConvCase.parse("ih8kh3"), seed=1))
    assert not image.is_inference()
