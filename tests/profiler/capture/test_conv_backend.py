"""The backend that torch chooses is seen in any call, and the call is what it was."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from profiler.capture.conv_backend import BackendWatch


@pytest.mark.parametrize("inference", [True, False], ids=["inference", "gradients"])
def test_each_convolution_of_a_call_is_asked_for(inference: bool) -> None:
    image, weight = torch.randn(1, 1, 9, 9), torch.randn(1, 1, 3, 3)
    expected = functional.conv2d(image, weight, padding=1)
    watch = BackendWatch()
    with torch.inference_mode(mode=inference), watch:
        found = functional.conv2d(image, weight, padding=1)
        functional.conv2d(image, weight, padding="same")
        functional.conv2d(image[0], weight)
    assert torch.equal(found, expected)
    assert watch.backends == ["Slow2d"] * 3


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
def test_operators_of_one_backend_count_as_its_choice() -> None:
    image, weight = torch.randn(1, 1, 9, 9), torch.randn(1, 1, 3, 3)
    watch = BackendWatch()
    with torch.inference_mode(), watch:
        torch.mkldnn_convolution(image, weight, None, [1, 1], [1, 1], [1, 1], 1)
        image + image
    assert watch.backends == ["Mkldnn"]


def test_a_torch_that_does_not_tell_gives_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise TypeError("another signature")

    image, weight = torch.randn(1, 1, 9, 9), torch.randn(1, 1, 3, 3)
    for change in ("asked otherwise", "gone"):
        if change == "gone":
            monkeypatch.delattr(torch._C, "_select_conv_backend")
        else:
            monkeypatch.setattr(torch._C, "_select_conv_backend", refuse)
        watch = BackendWatch()
        with torch.inference_mode(), watch:
            functional.conv2d(image, weight)
        assert watch.backends == [""]
