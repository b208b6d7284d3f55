"""Every way into compiled code computes the same, gives fresh outputs, and writes into a kept one where asked."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled import calling
from impls.compiled.calling import CTYPES, EXTENSION, WAYS, Outputs, quickest
from impls.compiled.compiler import find_compiler
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
def test_each_way_is_right_and_keeps_what_it_needs_alive(way: calling.Way, kept: bool) -> None:
    call, data = _through(way.name, kept=kept)
    gc.collect()
    first, second = call(), call()
    assert check(CASE, second, data.image, data.weight, None).correct
    assert np.shares_memory(first, second) is kept


def test_the_extension_wants_the_output_or_nothing() -> None:
    call, _ = _through("extension", kept=True)
    with pytest.raises(TypeError, match="give the output"):
        call(np.empty(CASE.output_shape, np.float32))
    with pytest.raises(TypeError, match="give the output"):
        call(output=1)


def test_the_extension_refuses_what_cannot_be_written() -> None:
    class Problem:
        pass

    if not EXTENSION.available().available:
        pytest.skip(EXTENSION.available().reason)
    bound = calling._extension().bind(0, 0, None, None)
    for wrong in (b"read only", 5):
        with pytest.raises((BufferError, TypeError)):
            bound(wrong)


def test_the_extension_lets_go_of_what_it_held() -> None:
    class Held:
        pass

    if not EXTENSION.available().available:
        pytest.skip(EXTENSION.available().reason)
    held = Held()
    gone = weakref.ref(held)
    bound = calling._extension().bind(0, 0, held, np.zeros(3))
    del held
    assert gone() is not None
    del bound
    gc.collect()
    assert gone() is None


def test_without_pythons_headers_ctypes_is_taken_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling.sysconfig, "get_path", lambda _: "nowhere")
    answer = EXTENSION.available()
    assert not answer.available
    assert "python3-dev" in answer.reason
    assert "ctypes" in answer.reason
    assert quickest() is CTYPES


def test_the_quickest_that_is_open_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = calling.Way("closed", "", EXTENSION.bind, lambda: Availability.no("closed"))
    monkeypatch.setattr(calling, "QUICKEST", (closed, CTYPES))
    assert quickest() is CTYPES
    assert Outputs(lambda: 1).kept is None
