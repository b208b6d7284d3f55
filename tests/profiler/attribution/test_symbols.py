"""Names of compiled functions become readable."""

from __future__ import annotations

import pytest

from profiler.attribution.symbols import short_symbol


@pytest.mark.parametrize(
    ("symbol", "short"),
    [
        ("_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault"),
        ("c10::TensorImpl::set_sizes(c10::ArrayRef<long>)", "c10::TensorImpl::set_sizes"),
        ("at::native::(anonymous namespace)::unfolded2d_copy<float>(float const*, long)::{lambda(long)#1}::operator()",
         "at::native::unfolded2d_copy"),
        ("c10::function_ref<void (char**)>::callback_fn<at::native::AVX2::direct_copy_kernel(at::TensorIteratorBase&)",
         "loop of direct_copy_kernel"),
        ("", ""),
    ],
)  # fmt: skip
def test_arguments_are_dropped(symbol: str, short: str) -> None:
    assert short_symbol(symbol) == short
