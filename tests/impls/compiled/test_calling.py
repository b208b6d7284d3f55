"""Every way into compiled code computes the same, gives fresh outputs, and writes into a kept one where asked."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled import calling
from impls.compiled.calling import CTYPES, WAYS, quickest
from impls.compiled.compiler import find_compiler
from impls.compiled.extension import EXTENSION
from impls.compiled.way import Way
from impls.contract import Availability
from impls.data import as_given, make_data
from impls.reference import check

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler on this machine")
CASE = ConvCase.parse("ic1ih20oc1kh3ph1")


def _through(name: str, *, kept: bool = False) -> tuple[Any, Any]:
    implementation = find(f"c.simd[{name}]")
    answer = implementation.available(CASE)
    if not answer.available:
        pytest.skip(answer.reason)
    data = make_data(CASE, seed=2)
    into = next(switch.prepare for switch in implementation.switches if switch.name == "output_buffer")
    prepare = into if kept and into is not None else implementation.prepare
    return prepare(CASE, *as_given(implementation, data)), data


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("kept", [False, True])
def test_each_way_is_right_and_keeps_what_it_needs_alive(way: Way, kept: bool) -> None:
    call, data = _through(way.name, kept=kept)
    gc.collect()
    first, second = call(), call()
    assert check(CASE, second, data.image, data.weight, None).correct
    assert np.shares_memory(first, second) is kept


def test_the_quickest_that_is_open_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Way("closed", "", EXTENSION.bind, lambda: Availability.no("closed"))
    monkeypatch.setattr(calling, "QUICKEST", (closed, CTYPES))
    assert quickest() is CTYPES
