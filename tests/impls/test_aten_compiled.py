"""Operators compiled by torch.compile: compiled once, beforehand, into the user's cache; what lacks is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from impls.case import ConvCase
from impls.catalog import find
from impls.contract import Implementation
from impls.data import as_given, make_data
from impls.errors import BuildError

SHIFT_ADD = find("torch.compile[shift_add]")
CASE = ConvCase.parse("ic1ih12oc1kh3ph1")


@pytest.fixture
def own_compiler_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "set, so that what prepare puts here is taken back")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    return tmp_path / "convprof" / "inductor"


def _skip_unavailable(implementation: Implementation) -> None:
    answer = implementation.available(CASE)
    if not answer.available:
        pytest.skip(answer.reason)


def test_what_is_compiled_lies_in_the_users_cache_and_no_call_compiles(own_compiler_cache: Path) -> None:
    _skip_unavailable(SHIFT_ADD)
    call = SHIFT_ADD.prepare(CASE, *as_given(SHIFT_ADD, make_data(CASE, seed=1)))
    assert list(own_compiler_cache.rglob("*.so"))
    with torch.inference_mode(), torch.compiler.set_stance("fail_on_recompile"):
        call()


def test_more_problems_than_torch_compiles_of_one_function_are_compiled() -> None:
    implementation = find("torch.compile[conv2d]")
    _skip_unavailable(implementation)
    for height in range(6, 16):
        case = ConvCase.parse(f"ic1ih{height}oc1kh3ph1")
        call = implementation.prepare(case, *as_given(implementation, make_data(case, seed=1)))
        with torch.inference_mode():
            assert call().shape == case.output_shape


def test_without_a_compiler_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler --fast")
    answer = SHIFT_ADD.available(CASE)
    assert answer.reason == (
        "torch.compile needs a C++ compiler, and there is no 'no-such-compiler --fast': install g++ or set $CXX"
    )


def test_a_compiler_that_fails_is_a_build_error(own_compiler_cache: Path, tmp_path: Path) -> None:
    _skip_unavailable(SHIFT_ADD)
    from torch._inductor import config

    broken = tmp_path / "broken"
    broken.write_text(
        "#!/bin/sh\ncase $1 in --version) echo g++ 12;; *) echo 'x.cpp:1: error: no' >&2; exit 1;; esac\n"
    )
    broken.chmod(0o755)
    case = ConvCase.parse("ic1ih13iw5oc1kh2kw3ph1")
    given = as_given(SHIFT_ADD, make_data(case, seed=1))
    with (
        config.patch({"cpp.cxx": (None, str(broken))}),
        pytest.raises(BuildError, match=r"torch\.compile cannot") as told,
    ):
        SHIFT_ADD.prepare(case, *given)
    assert str(told.value).endswith("; install g++ or set $CXX")
    assert "\n" not in str(told.value)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(own_compiler_cache)


def test_a_kernel_that_would_be_unrolled_for_minutes_is_declined() -> None:
    answer = SHIFT_ADD.available(ConvCase.parse("ic64ih8oc1kh3ph1"))
    assert answer.reason.startswith("torch.compile would unroll 576 products an output")
    assert answer.reason.endswith("choose torch.shift_add")
