"""Where something holds, in words, along the sizes of each kernel."""

from __future__ import annotations

import pytest

from profiler.attribution.spans import label, where

_SIZES = (8, 64, 256, 512)


def _cases(flags: str, kernel: int = 3) -> list[tuple[str, bool]]:
    """Make cases from marks, x for one in which it holds."""
    return [
        (f"ic1ih{size}oc1kh{kernel}ph{kernel // 2}", flag == "x") for size, flag in zip(_SIZES, flags, strict=False)
    ]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("xxxx", "in every case"),
        ("....", ""),
        ("..xx", "from 256x256 on"),
        ("xx..", "up to 64x64"),
        ("...x", "on 512x512"),
        ("x...", "on 8x8"),
        ("x.x.", "on 8x8 and 256x256"),
        (".xx.", "on 64x64 and 256x256"),
        ("x.xx", "on 8x8, 256x256 and 512x512"),
        ("x", "in every case"),
    ],
)
def test_one_kernel(flags: str, words: str) -> None:
    assert where(_cases(flags)) == words
    assert where(_cases(flags)[::-1]) == words


@pytest.mark.parametrize(
    ("by_kernel", "words"),
    [
        ({3: "..xx", 5: "xxxx", 7: "xxxx"}, "from 256x256 on with 3x3, at all sizes with 5x5 and 7x7"),
        ({3: "....", 11: "..x."}, "on 256x256 with 11x11"),
        ({3: "xxxx", 5: "xxxx"}, "in every case"),
        ({3: "xxxx", 5: "."}, "at all sizes with 3x3"),
    ],
)
def test_several_kernels(by_kernel: dict[int, str], words: str) -> None:
    assert where([each for kernel, flags in by_kernel.items() for each in _cases(flags, kernel)]) == words


def test_a_label_is_as_long_as_it_must_be() -> None:
    small, large, wide = "ic1ih8oc1kh3ph1", "ic1ih8oc1kh5ph2", "ic1ih8iw9oc1kh3ph1"
    channels = "ic2ih8oc1kh3ph1"
    assert label(small) == "8x8"
    assert label(wide) == "8x9"
    assert label(small, [small, wide]) == "8x8"
    assert label(large, [small, large]) == "8x8 with 5x5"
    assert label(small, [small, channels, large]) == small
