"""Where a kernel's taps lie in a transform, and how long the transform is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from impls.case import ConvCase
from impls.data import make_data
from impls.reference import convolve
from impls.spectra import computed_outputs, lay_out_kernel, transform_shape


@pytest.mark.parametrize(
    ("case", "shape"),
    [
        ("ic1ih100oc1kh3ph1", (108, 108)),  # 102 = 2 * 3 * 17
        ("ic1ih98iw7oc1kh3ph1", (100, 9)),
        ("ic1ih1oc1kh1", (1, 1)),
        ("ic1ih97oc1kh1", (100, 100)),
    ],
)
def test_a_transform_is_as_long_as_the_padded_image_or_a_little_longer(case: str, shape: tuple[int, int]) -> None:
    assert transform_shape(ConvCase.parse(case)) == shape


def test_a_kernel_is_moved_up_and_left_by_the_padding() -> None:
    case = ConvCase.parse("ic1ih6iw6oc1kh3ph1dh1")
    laid_out = lay_out_kernel(case, np.arange(1.0, 10).reshape(1, 1, 3, 3), np.zeros((1, 1, 8, 8)))[0, 0]
    assert np.array_equal(np.argwhere(laid_out)[:, 0].reshape(3, 3), [[1, 1, 1], [3, 3, 3], [7, 7, 7]])
    assert laid_out[7, 7] == 1  # the first tap lies one above and left of the first output
    assert laid_out[1, 1] == 5


@given(case=...)
def test_circular_correlation_with_it_is_the_convolution(case: ConvCase) -> None:
    data = make_data(case, seed=2)
    rows, columns = transform_shape(case)
    kernels = lay_out_kernel(case, data.weight, np.zeros((*case.weight_shape[:2], rows, columns)))
    inputs, outputs = case.in_channels // case.groups, case.out_channels // case.groups
    spectra = np.fft.fft2(data.image.astype(float), (rows, columns)).reshape(
        case.batch, case.groups, 1, inputs, rows, -1
    )
    factors = np.fft.fft2(kernels).conj().reshape(1, case.groups, outputs, inputs, rows, -1)
    spread = np.fft.ifft2((spectra * factors).sum(axis=3)).real.reshape(case.batch, case.out_channels, rows, -1)
    expected = convolve(case, data.image, data.weight)
    assert np.allclose(
        spread[:, :, *computed_outputs(case)], expected, rtol=0, atol=1e-9 * (1 + np.abs(expected).max())
    )
