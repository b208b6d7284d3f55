"""The oracle against torch in float64, its bound against float32, and every way an output can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional

from impls.case import ConvCase
from impls.contract import ErrorBound
from impls.data import Data, make_data
from impls.reference import Check, check, convolve, error_bound

CASE = ConvCase.parse("ic1ih5iw4oc2kh3ph1_bias")


def _torch_float64(case: ConvCase, data: Data) -> Any:
    image, weight, bias = (
        None if array is None else torch.from_numpy(array.astype(np.float64))
        for array in (data.image, data.weight, data.bias)
    )
    assert image is not None
    assert weight is not None
    return functional.conv2d(
        image,
        weight,
        bias,
        (case.stride_height, case.stride_width),
        (case.padding_height, case.padding_width),
        (case.dilation_height, case.dilation_width),
        case.groups,
    ).numpy()


@given(case=...)
@settings(deadline=None, max_examples=60)
def test_the_oracle_agrees_with_torch_in_float64(case: ConvCase) -> None:
    data = make_data(case, seed=3)
    theirs, ours = _torch_float64(case, data), convolve(case, data.image, data.weight, data.bias)
    assert ours.shape == case.output_shape
    double = ConvCase.parse(case.name.removesuffix("_f64") + "_f64")
    assert np.all(np.abs(ours - theirs) <= error_bound(double, data.image, data.weight, data.bias))


def test_the_bound_is_highams_for_the_terms_the_bias_and_one_rounding() -> None:
    ones = np.ones(CASE.image_shape), np.ones(CASE.weight_shape), np.ones(2)
    bound = error_bound(CASE, *ones)
    roundings = (9 + 1 + 1) * 2.0**-24
    inside = (9 + 1) * roundings / (1 - roundings)  # nine products of ones, and a bias of one
    corner = (4 + 1) * roundings / (1 - roundings)
    assert bound[0, 0, 2, 2] == pytest.approx(inside, rel=1e-7)
    assert bound[0, 0, 0, 0] == pytest.approx(corner, rel=1e-7)


def test_the_bound_of_transforms_adds_what_they_spread() -> None:
    ones = np.ones(CASE.image_shape), np.ones(CASE.weight_shape), np.ones(2)
    added = error_bound(CASE, *ones, "transform") - error_bound(CASE, *ones)
    # Of 7 x 6 padded pixels, each side doubled; pixels of 1 on the average, nine taps of 1, one input channel.
    assert added == pytest.approx((60 * np.log2(4 * 7 * 6) + 1) * 2.0**-24 * 9)
    assert added.shape == CASE.output_shape


def test_the_bound_of_transforms_takes_each_sample_and_group_by_itself() -> None:
    case = ConvCase.parse("g2mb2ic4ih6oc6kh3ph1")
    image, weight = np.ones(case.image_shape), np.ones(case.weight_shape)
    image[1, :2], weight[4] = 10, 3
    added = error_bound(case, image, weight, None, "transform") - error_bound(case, image, weight)
    shares = added[:, :, 0, 0] / added[0, 0, 0, 0]
    assert shares == pytest.approx(np.array([[1, 1, 1, 1, 3, 1], [10, 10, 10, 1, 3, 1]]))


def test_the_bound_of_tf32_adds_what_two_rounded_factors_are_off() -> None:
    ones = np.ones(CASE.image_shape), np.ones(CASE.weight_shape), np.ones(2)
    added = error_bound(CASE, *ones, "tf32") - error_bound(CASE, *ones, "transform")
    roundings = 11 * 2.0**-24
    factors = (1 + 2.0**-10) ** 2 * (1 + 2 * roundings / (1 - roundings)) - 1
    assert added[0, 0, 2, 2] == pytest.approx(9 * factors, rel=1e-6)
    assert added[0, 0, 0, 0] == pytest.approx(4 * factors, rel=1e-6)
    double = ConvCase.parse(CASE.name + "_f64")
    assert np.array_equal(error_bound(double, *ones, "tf32"), error_bound(double, *ones, "transform"))


@pytest.fixture
def data() -> Data:
    return make_data(CASE, seed=5)


def _checked(output: Any, data: Data, kind: ErrorBound = "direct") -> Check:
    return check(CASE, output, data.image, data.weight, data.bias, kind=kind)


@pytest.fixture
def right(data: Data) -> Any:
    return convolve(CASE, data.image, data.weight, data.bias).astype(np.float32)


def test_a_rounded_result_is_right_as_an_array_and_as_a_tensor(data: Data, right: Any) -> None:
    for output in (right, torch.from_numpy(right), torch.from_numpy(right).requires_grad_()):
        answer = _checked(output, data)
        assert answer.correct
        assert answer.reason == ""
        assert answer.max_error is not None
        assert answer.error_bound is not None
        assert answer.max_error <= answer.error_bound


def test_the_element_furthest_beyond_its_bound_is_named(data: Data, right: Any) -> None:
    bound = error_bound(CASE, data.image, data.weight, data.bias)
    right[0, 1, 2, 3] += 100 * bound[0, 1, 2, 3]
    right[0, 0, 0, 0] += 10 * bound[0, 0, 0, 0]
    answer = _checked(right, data)
    assert not answer.correct
    assert answer.error_bound == bound[0, 1, 2, 3]
    assert answer.max_error == pytest.approx(100 * bound[0, 1, 2, 3], rel=0.02)
    assert answer.reason.startswith(
        "2 of 40 elements are beyond the error bound of direct float32 summation; the worst, at [0, 1, 2, 3]"
    )


def test_rounding_within_the_bound_of_transforms_only_is_told_how_to_declare_it(data: Data, right: Any) -> None:
    right[0, 1, 2, 3] += 0.5 * error_bound(CASE, data.image, data.weight, data.bias, "transform")[0, 1, 2, 3]
    answer = _checked(right, data)
    assert not answer.correct
    assert answer.reason.startswith(
        "1 of 40 elements are beyond the error bound of direct float32 summation; the worst"
    )
    assert answer.reason.endswith("say so with `function.error_bound = 'transform'`")
    assert "\n" not in answer.reason
    declared = _checked(right, data, "transform")
    assert declared.correct
    assert declared.max_error == answer.max_error
    assert declared.error_bound is not None
    assert answer.error_bound is not None
    assert declared.error_bound > answer.error_bound


def test_what_is_beyond_both_bounds_is_wrong_by_either_and_told_of_no_declaration(data: Data, right: Any) -> None:
    right[0, 1, 2, 3] += 1.5 * error_bound(CASE, data.image, data.weight, data.bias, "transform")[0, 1, 2, 3]
    answer, declared = _checked(right, data), _checked(right, data, "transform")
    assert not answer.correct
    assert "function.error_bound" not in answer.reason
    assert not declared.correct
    assert declared.reason.startswith("1 of 40 elements are beyond the error bound of float32 transforms; the worst")


def _without_a_tap(case: ConvCase, data: Data) -> Any:
    weight = data.weight.copy()
    weight[:, :, 0, 0] = 0
    return convolve(case, data.image, weight)


def _with_a_border_that_wraps(case: ConvCase, data: Data) -> Any:
    wrapped = convolve(case, data.image, data.weight)
    wrapped[:, :, 0, 0] += data.image[:, :, -1, 0] * data.weight[0, 0, 0, 1]
    return wrapped


def _flipped(case: ConvCase, data: Data) -> Any:
    return convolve(case, data.image, data.weight[:, :, ::-1, ::-1])


def _from_half_precision(case: ConvCase, data: Data) -> Any:
    return convolve(case, data.image.astype(np.float16), data.weight.astype(np.float16))


@pytest.mark.parametrize("name", ["ic1ih8oc1kh3ph1", "ic1ih100oc1kh3ph1", "ic1ih300oc1kh11ph5"])
@pytest.mark.parametrize("wrong", [_without_a_tap, _with_a_border_that_wraps, _flipped, _from_half_precision])
def test_what_transforms_get_wrong_is_wrong_by_their_bound(wrong: Callable[..., Any], name: str) -> None:
    case = ConvCase.parse(name)
    data = make_data(case, seed=4)
    output = wrong(case, data).astype(np.float32)
    assert not check(case, output, data.image, data.weight, kind="transform").correct


@pytest.mark.parametrize("name", ["ic1ih100oc1kh3ph1", "ic1ih97oc1kh5ph2", "mb2ic3ih40oc2kh3ph1_bias"])
def test_a_transform_stays_far_within_its_bound_whatever_its_length(name: str) -> None:
    case = ConvCase.parse(name)
    data = make_data(case, seed=6)
    for extra in (0, 1, 5, 30):
        rows, columns = (extent + 2 * case.padding_height + extra for extent in (case.height, case.width))
        padded = np.pad(data.image, ((0, 0), (0, 0), *[(case.padding_height, case.padding_height)] * 2))
        spectra = np.fft.rfft2(padded, (rows, columns))[:, np.newaxis]
        kernels = np.fft.rfft2(data.weight, (rows, columns))[np.newaxis]
        spread = np.fft.irfft2((spectra * kernels.conj()).sum(axis=2), (rows, columns))
        output = spread[:, :, : case.output_height, : case.output_width].astype(np.float32)
        if data.bias is not None:
            output += data.bias[:, np.newaxis, np.newaxis]
        answer = check(case, output, data.image, data.weight, data.bias, kind="transform")
        assert answer.correct
        assert answer.max_error is not None
        assert answer.error_bound is not None
        assert answer.max_error < 0.1 * answer.error_bound


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda right: right.tolist(), "returned list, not a tensor or an array"),
        (lambda _: None, "returned NoneType, not a tensor or an array"),
        (lambda right: right[0], "returned shape (2, 5, 4), expected (1, 2, 5, 4)"),
        (lambda right: torch.from_numpy(right)[:, :1], "returned shape (1, 1, 5, 4), expected (1, 2, 5, 4)"),
        (lambda right: right.astype(np.float64), "returned dtype float64, expected float32"),
        (lambda right: torch.from_numpy(right).half(), "returned dtype float16, expected float32"),
        (lambda right: np.where(right > right.min(), right, np.nan), "1 of 40 elements are NaN or infinite"),
        (lambda right: torch.from_numpy(right / np.float32(0)), "40 of 40 elements are NaN or infinite"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_wrong_kind_of_output_is_told_apart(spoil: Any, reason: str, data: Data, right: Any) -> None:
    assert _checked(spoil(right), data) == Check(correct=False, reason=reason)


@pytest.mark.parametrize("unreadable", ["sparse", "meta"])
def test_a_tensor_without_readable_values_is_wrong_not_an_error(unreadable: str, data: Data, right: Any) -> None:
    tensor = torch.from_numpy(right)
    answer = _checked(tensor.to_sparse() if unreadable == "sparse" else tensor.to("meta"), data)
    assert not answer.correct
    assert answer.reason.startswith("the output cannot be read: ")


def test_outputs_that_only_padding_reaches_must_be_exactly_zero() -> None:
    case = ConvCase.parse("ic1ih1oc1kh1ph2")
    data = make_data(case, seed=1)
    output = convolve(case, data.image, data.weight).astype(np.float32)
    assert check(case, output, data.image, data.weight).correct
    output[0, 0, 0, 0] = 1e-30
    answer = check(case, output, data.image, data.weight)
    assert not answer.correct
    assert answer.error_bound == 0


class _OnCuda(torch.Tensor):
    """A tensor that says it lies on a GPU."""

    device = torch.device("cuda", 0)


def _in_tf32(case: ConvCase, data: Data) -> Any:
    """Cut the factors off to ten bits after the leading one, as a GPU may."""

    def cut(values: Any) -> Any:
        return (values.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)

    return convolve(case, cut(data.image), cut(data.weight), data.bias).astype(np.float32)


@pytest.mark.parametrize("name", ["ic1ih100oc1kh3ph1", "ic1ih60oc1kh11ph5", "mb2ic16ih20oc8kh3ph1_bias"])
def test_what_is_rounded_to_tf32_is_right_on_a_gpu_by_torchs_bound_there_and_wrong_on_a_processor(name: str) -> None:
    case = ConvCase.parse(name)
    data = make_data(case, seed=8)
    output = torch.from_numpy(_in_tf32(case, data))
    for kind in ("library", "tf32"):
        on_gpu = check(case, output.as_subclass(_OnCuda), data.image, data.weight, data.bias, kind=kind)
        assert on_gpu.correct, on_gpu.reason
    undeclared = check(case, output.as_subclass(_OnCuda), data.image, data.weight, data.bias)
    assert undeclared.reason.endswith("say so with `function.error_bound = 'tf32'`")
    on_cpu = check(case, output, data.image, data.weight, data.bias, kind="library")
    assert "beyond the error bound of direct float32 summation" in on_cpu.reason
    assert "tf32" not in on_cpu.reason


@pytest.mark.parametrize("name", ["ic1ih8oc1kh3ph1", "ic1ih100oc1kh3ph1", "ic1ih300oc1kh11ph5"])
@pytest.mark.parametrize("wrong", [_without_a_tap, _with_a_border_that_wraps, _flipped])
def test_what_is_wrong_is_wrong_by_the_bound_of_tf32(wrong: Callable[..., Any], name: str) -> None:
    case = ConvCase.parse(name)
    data = make_data(case, seed=4)
    answer = check(case, wrong(case, data).astype(np.float32), data.image, data.weight, kind="tf32")
    assert "beyond the error bound of sums of inputs rounded to TF32" in answer.reason
