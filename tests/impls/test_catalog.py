"""The catalog: its names, the look-up, and that reading it is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

from impls.catalog import CATALOG, find
from impls.errors import UnknownImplementation


def test_the_catalog_holds_these_and_each_finds_itself() -> None:
    assert [(implementation.name, implementation.family) for implementation in CATALOG] == [
        ("article.module", "library"),
        ("article.numpy_loop", "manual"),
        ("article.torch_loop", "manual"),
        ("torch.conv2d", "library"),
        ("torch.unfold", "manual"),
        ("torch.shift_add", "manual"),
        ("numpy.shift_add", "manual"),
        ("numpy.sliding_window", "manual"),
        ("numpy.im2col", "manual"),
        ("python.loop", "manual"),
        ("c.direct", "manual"),
        ("c.direct[-O0]", "manual"),
        ("c.direct[-O1]", "manual"),
        ("c.direct[-O2]", "manual"),
        ("c.direct[-O3 -march=native]", "manual"),
        ("c.direct[-O3 -march=native -mprefer-vector-width=512]", "manual"),
        ("c.direct[-O3 -march=native -ffast-math]", "manual"),
        ("c.direct[-Ofast -march=native]", "manual"),
        ("c.bounds_test", "manual"),
        ("c.interior", "manual"),
        ("c.constant_kernel", "manual"),
        ("c.blocked", "manual"),
        ("c.fast_fir", "manual"),
        ("numpy.row_loop", "manual"),
        ("numpy.tensordot", "manual"),
        ("numpy.fft", "manual"),
        ("torch.fft", "manual"),
        ("torch.compile[shift_add]", "manual"),
        ("torch.compile[conv2d]", "library"),
        ("torch.mkldnn", "library"),
        ("torch.slow_conv2d", "library"),
        ("torch.nnpack", "library"),
        ("torch.conv2d[channels_last]", "library"),
        ("torch.conv2d[no onednn]", "library"),
        ("numba.loops", "manual"),
        ("numba.fastmath", "manual"),
        ("numba.constant_kernel", "manual"),
        ("numba.parallel", "manual"),
    ]
    for implementation in CATALOG:
        assert find(implementation.name) is implementation


@pytest.mark.parametrize("name", ["direct", "bounds_test", "interior", "constant_kernel", "blocked", "fast_fir"])
def test_any_flags_make_an_implementation_of_each_c_source(name: str) -> None:
    made = find(f"c.{name}[-O2 -funroll-loops]")
    assert made.name == f"c.{name}[-O2 -funroll-loops]"
    assert made.summary.endswith("compiled with -O2 -funroll-loops")


def test_what_a_run_that_names_none_takes_of_the_c_sources() -> None:
    primary = [implementation.name for implementation in CATALOG if implementation.primary]
    assert [name for name in primary if name.startswith("c.")] == [
        "c.direct",
        "c.direct[-O0]",
        "c.direct[-O3 -march=native]",
        "c.direct[-O3 -march=native -ffast-math]",
    ]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("torch.conv", "no implementation is named 'torch.conv', did you mean torch.conv2d"),
        ("c.direct-O3", "did you mean c.direct"),
        ("xyz", "no implementation is named 'xyz'; see `convprof list`"),
        ("c.another[-O3]", "no implementation is named 'c.another.-O3.'"),
        ('c.direct[-DX="]', "cannot be read .No closing quotation."),
    ],
)
def test_an_unknown_name_is_met_with_close_ones_and_the_list(name: str, complaint: str) -> None:
    with pytest.raises(UnknownImplementation, match=complaint):
        find(name)


def test_neither_catalog_nor_user_functions_nor_oracle_import_torch() -> None:
    probe = "import sys, impls.catalog, impls.user, impls.reference, impls.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_only_the_module_runs_with_gradients() -> None:
    with_gradients = [implementation for implementation in CATALOG if implementation.grad_mode != "inference"]
    assert [implementation.name for implementation in with_gradients] == ["article.module"]
