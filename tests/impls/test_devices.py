"""What says that it runs on a GPU, on a device without memory: no tensor of the CPU gets among those of its image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from impls.case import ConvCase
from impls.catalog import CATALOG
from impls.contract import Availability, Implementation, Prepare

GENERAL = ConvCase.parse("g2mb2ic4ih9iw7oc6kh3kw2sh2sw1ph2pw1dh1dw0_bias")
LISTING = ConvCase.parse("ic1ih5iw4oc1kh3ph1")
# These compile for a real device, or leave it on purpose; the others call torch's operators, which know shapes alone.
COMPILED = ("torch.compile", "cuda.", "triton.", "article.torch_loop[cpu]")


def _ways(implementation: Implementation) -> list[tuple[str, Callable[[ConvCase], Availability], Prepare]]:
    """Give the ways to prepare it on a GPU: as it is, and with each of its switches that is for one."""
    ways = [(implementation.name, implementation.available, implementation.prepare)]
    for switch in implementation.switches:
        if "cuda" in switch.devices:
            prepare = switch.prepare or implementation.prepare
            prepare = switch.wrap(prepare) if switch.wrap else prepare
            ways.append((f"{implementation.name} {switch.name}", switch.available, prepare))
    return ways


WAYS = [
    pytest.param(case, prepare, id=f"{name} {case.name}")
    for implementation in CATALOG
    if "cuda" in implementation.devices and not implementation.name.startswith(COMPILED)
    for name, available, prepare in _ways(implementation)
    for case in (GENERAL, LISTING)
    if implementation.available(case).available and available(case).available
]


class _OnlyOn(TorchDispatchMode):
    """Fail where an operator takes or gives a tensor of another device."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves((args, kwargs, result)):
            assert not isinstance(leaf, torch.Tensor) or leaf.device == self.device, f"{func} has one of {leaf.device}"
        return result


@pytest.mark.parametrize(("case", "prepare"), WAYS)
def test_all_it_makes_lies_on_the_device_of_its_image(case: ConvCase, prepare: Prepare) -> None:
    device = torch.device("meta")
    image, weight = (torch.empty(shape, device=device) for shape in (case.image_shape, case.weight_shape))
    bias = torch.empty(case.out_channels, device=device) if case.bias else None
    with _OnlyOn(device):
        output = prepare(case, image, weight, bias)()
    assert (output.device, tuple(output.shape), output.dtype) == (device, case.output_shape, torch.float32)


def test_a_tensor_of_another_device_would_be_caught() -> None:
    image = torch.empty(LISTING.image_shape, device="meta")
    with _OnlyOn(image.device), pytest.raises(AssertionError, match="has one of cpu"):
        functional.conv2d(image, torch.empty(LISTING.weight_shape))


def test_what_runs_on_both_kinds_of_device() -> None:
    assert {each.name for each in CATALOG if each.devices == ("cpu", "cuda")} == {
        "article.module",
        "article.torch_loop",
        "torch.conv2d",
        "torch.conv2d[channels_last]",
        "torch.compile[conv2d]",
        "torch.compile[shift_add]",
        "torch.fft",
        "torch.shift_add",
        "torch.unfold",
    }
