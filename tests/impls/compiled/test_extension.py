"""The extension: what it refuses, what it keeps, and where it is taken from."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled import extension
from impls.compiled.calling import CTYPES, quickest
from impls.compiled.compiler import find_compiler
from impls.compiled.extension import EXTENSION, build_extension, extension_origin
from impls.data import as_given, make_data
from impls.errors import BuildError

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler on this machine")


@pytest.fixture
def module() -> Any:
    if not EXTENSION.available().available:
        pytest.skip(EXTENSION.available().reason)
    return extension._extension()


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Let the extension be looked for anew."""
    extension._extension.cache_clear()
    yield
    extension._extension.cache_clear()


def test_it_wants_the_output_or_nothing(module: Any) -> None:
    case = ConvCase.parse("ic1ih8oc1kh3ph1")
    implementation = find("c.simd[extension]")
    prepare = next(switch.prepare for switch in implementation.switches if switch.name == "output_buffer")
    assert prepare is not None
    call: Any = prepare(case, *as_given(implementation, make_data(case, seed=2)))
    with pytest.raises(TypeError, match="give the output"):
        call(np.empty(case.output_shape, np.float32))
    with pytest.raises(TypeError, match="give the output"):
        call(output=1)


def test_it_refuses_what_cannot_be_written(module: Any) -> None:
    bound = module.bind(0, 0, None, None)
    for wrong in (b"read only", 5):
        with pytest.raises((BufferError, TypeError)):
            bound(wrong)


def test_it_lets_go_of_what_it_held(module: Any) -> None:
    class Held:
        pass

    held = Held()
    gone = weakref.ref(held)
    bound = module.bind(0, 0, held, np.zeros(3))
    del held
    assert gone() is not None
    del bound
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("forgotten")
def test_without_pythons_headers_ctypes_is_taken_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension.sysconfig, "get_path", lambda _: "nowhere")
    monkeypatch.setattr(extension, "extension_origin", lambda: "compiled")
    answer = EXTENSION.available()
    assert not answer.available
    assert "python3-dev" in answer.reason
    assert "ctypes" in answer.reason
    assert quickest() is CTYPES


@pytest.mark.usefixtures("forgotten")
def test_the_one_that_came_with_the_wheel_needs_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "caller.so"
    try:
        shutil.copy(build_extension(), shipped)
    except BuildError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(extension, "_shipped", lambda: shipped)
    monkeypatch.setattr(extension, "find_compiler", lambda: None)
    assert extension_origin() == "wheel"
    assert EXTENSION.available().available
    assert extension._extension().__file__ == str(shipped)


@pytest.mark.usefixtures("forgotten")
def test_one_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "caller.so"
    broken.write_text("not a library")
    monkeypatch.setattr(extension, "_shipped", lambda: broken)
    assert str(broken) in EXTENSION.available().reason
    assert quickest() is CTYPES
