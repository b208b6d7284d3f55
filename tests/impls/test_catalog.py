"""The catalog: its names, the look-up, and that reading it is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

from impls.catalog import CATALOG, find
from impls.errors import UnknownImplementation


def test_a_run_that_names_none_has_these_and_each_finds_itself() -> None:
    on_cpu = [each for each in CATALOG if each.primary and "cpu" in each.devices]
    assert [(implementation.name, implementation.family) for implementation in on_cpu] == [
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
        ("c.direct[-O3 -march=native]", "manual"),
        ("c.direct[-O3 -march=native -ffast-math]", "manual"),
        ("c.simd", "manual"),
    ]
    assert len({implementation.name for implementation in CATALOG}) == len(CATALOG)
    for implementation in CATALOG:
        assert find(implementation.name) is implementation


def test_a_run_on_a_gpu_that_names_none_has_these() -> None:
    assert [each.name for each in CATALOG if each.primary and "cuda" in each.devices] == [
        "article.module",
        "article.torch_loop",
        "article.torch_loop[cpu]",
        "torch.conv2d",
        "torch.unfold",
        "torch.shift_add",
        "cuda.direct",
        "cuda.shared_memory",
        "cuda.register_blocked",
        "triton.direct",
        "cuda.graph[torch.conv2d]",
        "cuda.graph[cuda.register_blocked]",
    ]


def test_any_flags_make_an_implementation() -> None:
    made = find("c.direct[-O2 -funroll-loops]")
    assert made.name == "c.direct[-O2 -funroll-loops]"
    assert made.summary.endswith("compiled with -O2 -funroll-loops")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("torch.conv", "no implementation is named 'torch.conv', did you mean torch.conv2d"),
        ("c.direct-O3", "did you mean c.direct"),
        ("xyz", "no implementation is named 'xyz'; see `convprof list`"),
        ('c.direct[-DX="]', "cannot be read .No closing quotation."),
    ],
)
def test_an_unknown_name_is_met_with_close_ones_and_the_list(name: str, complaint: str) -> None:
    with pytest.raises(UnknownImplementation, match=complaint):
        find(name)


def test_neither_catalog_nor_user_functions_nor_oracle_import_torch_or_numba() -> None:
    probe = (
        "import sys, impls.catalog, impls.user, impls.reference, impls.data; "
        "sys.exit('torch' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_the_ladder_beyond_the_primary_ones_stands_back() -> None:
    primary = [each.name for each in CATALOG if each.primary and "cpu" in each.devices]
    assert primary[-1] == "c.simd"
    assert not {name for name in primary if "fft" in name or "compile" in name or name.startswith("numba.")}


def test_only_what_computes_through_transforms_is_held_to_their_bound() -> None:
    through_transforms = {
        implementation.name for implementation in CATALOG if implementation.error_bound == "transform"
    }
    fir, fft = {"c.fast_fir", "c.simd[fast_fir]"}, {"numpy.fft", "torch.fft", "scipy.fftconvolve", "scipy.oaconvolve"}
    assert through_transforms == fir | fft | {"torch.nnpack", "torch.conv2d[no tf32]"}  # the last: cuDNN may choose one


def test_only_the_module_runs_with_gradients() -> None:
    with_gradients = [implementation for implementation in CATALOG if implementation.grad_mode != "inference"]
    assert [implementation.name for implementation in with_gradients] == ["article.module"]


def test_asking_what_can_run_loads_no_library() -> None:
    code = (
        "import sys; from profiler.listing import listing; listing('mb16ic1ih16oc1kh3ph1'); "
        "print(*sorted({'torch', 'numba', 'cv2', 'scipy', 'jax'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == ""
