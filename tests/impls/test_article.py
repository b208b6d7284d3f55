"""The article's listings: the operations of the listing, in its order and number, and nothing that we added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from impls.article import MODULE, NUMPY_LOOP, TORCH_LOOP
from impls.case import ConvCase
from impls.contract import Implementation
from impls.data import as_given, make_data
from impls.reference import check

CASE = ConvCase.parse("ic1ih4iw5oc1kh3kw1ph1pw0")
PIXELS = 20


def test_listing_2_pads_once_and_multiplies_and_sums_once_a_pixel(
    count_numpy: Callable[[Implementation, ConvCase], Counter[str]],
) -> None:
    assert count_numpy(NUMPY_LOOP, CASE) == {"pad": 1, "multiply": PIXELS, "sum": PIXELS}


class _Dispatched(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def __torch_dispatch__(self, operator: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls.append(operator.overloadpacket.__name__)
        return operator(*args, **(kwargs or {}))


def test_listing_3_pads_once_and_looks_up_multiplies_sums_and_stores_for_every_pixel() -> None:
    call = TORCH_LOOP.prepare(CASE, *as_given(TORCH_LOOP, make_data(CASE, seed=1)))
    with torch.no_grad(), _Dispatched() as dispatched:
        call()
    counts = Counter(dispatched.calls)
    assert dispatched.calls[:2] == ["constant_pad_nd", "zeros"]
    # A pixel: two look-ups and two slices of the padded image, a product, a sum, four look-ups of the output, a copy.
    assert counts == {
        "constant_pad_nd": 1,
        "zeros": 1,
        "select": 6 * PIXELS,
        "slice": 2 * PIXELS,
        "mul": PIXELS,
        "sum": PIXELS,
        "copy_": PIXELS,
    }


def test_listing_1_has_the_default_bias_and_records_for_gradients() -> None:
    data = make_data(CASE, seed=1)
    state = torch.get_rng_state()
    call = MODULE.prepare(CASE, *as_given(MODULE, data))
    output = call()
    assert torch.equal(torch.get_rng_state(), state), "building the layer must not disturb the random state"
    assert output.requires_grad
    assert {name: tuple(value.shape) for name, value in call.__closure__[1].cell_contents.named_parameters()} == {
        "weight": CASE.weight_shape,
        "bias": (1,),
    }
    assert check(CASE, output, data.image, data.weight).correct


def test_listing_1_prepared_under_inference_mode_still_works_with_gradients() -> None:
    with torch.inference_mode():
        call = MODULE.prepare(CASE, *as_given(MODULE, make_data(CASE, seed=1)))
        assert not call().requires_grad
    assert call().requires_grad


@pytest.mark.parametrize("listing", [NUMPY_LOOP, TORCH_LOOP], ids=lambda listing: listing.name)
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("mb2ic1ih8oc1kh3ph1", "one image"),
        ("ic2ih8oc1kh3ph1", "one channel"),
        ("ic1ih8oc2kh3ph1", "one channel"),
        ("ic1ih8oc1kh3sh2ph1", "stride 1"),
        ("ic1ih8oc1kh3ph1dh1", "no dilation"),
        ("ic1ih8oc1kh3ph1_bias", "no bias"),
        ("ic1ih8oc1kh3ph1_f64", "float32"),
        ("ic1ih8oc1kh4ph2", "an odd kernel"),
        ("ic1ih8oc1kh3", "padding of half the kernel"),
    ],
)
def test_listings_2_and_3_claim_only_what_they_handle(listing: Implementation, name: str, limit: str) -> None:
    answer = listing.available(ConvCase.parse(name))
    assert not answer.available
    assert answer.reason == f"the article's listing handles only {limit}; see torch.conv2d for any case"
