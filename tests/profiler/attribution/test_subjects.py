"""Implementations are classed by their names."""

from __future__ import annotations

import pytest

from profiler.attribution.subjects import CLASSES, class_of, unoptimised


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("article.numpy_loop", "per-pixel loops"),
        ("article.torch_loop", "per-pixel loops"),
        ("python.loop", "per-pixel loops"),
        ("numpy.shift_add", "NumPy operations"),
        ("torch.unfold", "torch operators"),
        ("c.direct[-O3 -march=native]", "compiled code"),
        ("numba.loop", "compiled code"),
        ("torch.compiled_shift_add", "compiled code"),
        ("cv2.filter2D", "other implementations"),
        ("mine:f", "other implementations"),
    ],
)
def test_classes(name: str, kind: str) -> None:
    assert class_of(name) == kind
    assert kind in CLASSES


def test_the_same_source_without_optimisation() -> None:
    assert unoptimised("c.direct") == unoptimised("c.direct[-O3]") == unoptimised("c.direct[-O0]") == "c.direct[-O0]"
