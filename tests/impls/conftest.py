"""What the tests of the ground floor share: cases to draw, a compiler cache of their own, a count of NumPy's calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.contract import Implementation
from impls.data import as_given, make_data


@st.composite
def _cases(draw: st.DrawFn) -> ConvCase:
    """Draw small problems of every kind: sizes are made from the output, so that each kernel fits."""
    groups = draw(st.integers(1, 3))
    drawn: dict[str, int] = {}
    for side in ("height", "width"):
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        padding, dilation = draw(st.integers(0, 3)), draw(st.integers(1, 3))
        reach = dilation * (kernel - 1) + 1
        least = max(1, reach - 2 * padding)
        drawn |= {
            side: least + draw(st.integers(0, 7)),
            f"kernel_{side}": kernel,
            f"stride_{side}": stride,
            f"padding_{side}": padding,
            f"dilation_{side}": dilation,
        }
    return ConvCase(
        **drawn,
        batch=draw(st.integers(1, 3)),
        in_channels=groups * draw(st.integers(1, 3)),
        out_channels=groups * draw(st.integers(1, 3)),
        groups=groups,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(["float32", "float64"])),
    )


st.register_type_strategy(ConvCase, _cases())


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))


class Watched(np.ndarray[Any, Any]):
    """Count the NumPy functions and ufuncs that see it, and mark their results in turn."""

    calls: ClassVar[Counter[str]] = Counter()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **options: Any) -> Any:
        self.calls[ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"] += 1
        if out:
            options["out"] = tuple(map(_plain, out))
        return _watched(getattr(ufunc, method)(*map(_plain, inputs), **options))

    def __array_function__(self, function: Any, _types: Any, inputs: Any, options: Any) -> Any:
        self.calls[function.__name__] += 1
        return _watched(function(*map(_plain, inputs), **options))


def _watched(value: Any) -> Any:
    return value.view(Watched) if isinstance(value, np.ndarray) else value


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Watched) else value


@pytest.fixture
def count_numpy() -> Callable[[Implementation, ConvCase], Counter[str]]:
    """Give a function that counts what NumPy's array protocols see of one call."""

    def count(implementation: Implementation, case: ConvCase) -> Counter[str]:
        image, weight, bias = as_given(implementation, make_data(case, seed=1))
        call = implementation.prepare(case, _watched(image), _watched(weight), _watched(bias))
        Watched.calls.clear()
        call()
        return Counter(Watched.calls)

    return count
