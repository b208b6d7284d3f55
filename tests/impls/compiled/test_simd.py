"""Hand-written vectors against the oracle: every edge, instruction set and thread, and nothing out of bounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled import simd
from impls.compiled.compiler import find_compiler
from impls.contract import Availability, Implementation
from impls.data import as_given, make_data
from impls.reference import check

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler on this machine")
LEVELS = ("c.simd", "c.simd[avx2]", "c.simd[portable]")


def _verify(name: str, case: ConvCase) -> None:
    _verify_implementation(find(name), case)


def _verify_implementation(implementation: Implementation, case: ConvCase) -> None:
    name = implementation.name
    if not implementation.available(case).available:
        pytest.skip(implementation.available(case).reason)
    data = make_data(case, seed=7)
    given_arrays = as_given(implementation, data)
    output = implementation.prepare(case, *given_arrays)()
    result = check(case, output, data.image, data.weight, data.bias, kind=implementation.error_bound)
    assert result.correct, f"{name} on {case.name}: {result.reason}"


@st.composite
def _planes(draw: st.DrawFn) -> ConvCase:
    """Draw problems that vectors are made for, with sizes around every block's width and height."""
    kernel_height = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 9, 11, 12]))
    kernel_width = draw(st.sampled_from([kernel_height, kernel_height, 1, 3, 6]))
    padding = draw(st.integers(0, kernel_height)), draw(st.integers(0, kernel_width))
    channels = draw(st.integers(1, 3))
    return ConvCase(
        height=max(draw(st.integers(1, 40)), kernel_height - 2 * padding[0]),
        width=max(draw(st.integers(1, 70)), kernel_width - 2 * padding[1]),
        kernel_height=kernel_height,
        kernel_width=kernel_width,
        padding_height=padding[0],
        padding_width=padding[1],
        batch=draw(st.integers(1, 2)),
        in_channels=channels,
        out_channels=channels,
        groups=channels,
        bias=draw(st.booleans()),
    )


@pytest.mark.parametrize("name", LEVELS)
@given(case=_planes())
@settings(deadline=None, max_examples=120)
def test_every_edge_is_right(name: str, case: ConvCase) -> None:
    assert simd.fits(case)
    _verify(name, case)


@st.composite
def _planes_for_fast_fir(draw: st.DrawFn) -> ConvCase:
    """Draw 11x11 problems with sizes around those of blocks and tiles, even and odd."""
    height = draw(st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 65, 66, 127, 130])))
    width = draw(st.one_of(st.integers(1, 80), st.sampled_from([127, 128, 129, 255, 256, 257, 300])))
    padding = draw(st.integers(max(0, (11 - min(height, width) + 1) // 2), 10))
    channels, batch, bias = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.booleans())
    return ConvCase.parse(
        f"mb{batch}g{channels}ic{channels}ih{height}iw{width}oc{channels}kh11ph{padding}{'_bias' if bias else ''}"
    )


@pytest.mark.parametrize("level", sorted(set(simd._LEVELS.values())))
@given(case=_planes_for_fast_fir())
@settings(deadline=None, max_examples=60)
def test_every_edge_is_right_by_fast_fir(level: int, case: ConvCase) -> None:
    if level > simd._library().simd_level():
        pytest.skip("this processor lacks the instruction set")
    _verify_implementation(simd._implementation("fast FIR", "", level=level, fast_fir=True), case)


def test_fast_fir_is_for_large_kernels_of_one_channel() -> None:
    for name in ("ic1ih40oc1kh7ph3", "ic3ih40oc1kh11ph5", "ic1ih40oc1kh11sh2"):
        answer = find("c.simd[fast_fir]").available(ConvCase.parse(name))
        assert answer == Availability.no("fast FIR pays for one channel and a kernel of 11x11 alone; use c.simd")


@pytest.mark.parametrize("threads", ["2", "3", "64", "none of it"])
def test_rows_are_shared_among_threads(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    for height in (5, 15, 16, 49, 200):
        # Enough work for many threads, whatever the height.
        for name in ("c.simd", "c.simd[fast_fir]"):
            _verify(name, ConvCase.parse(f"ic1ih{height}iw{400_000 // height}oc1kh11ph5"))


def test_outputs_that_go_past_the_caches_are_right_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simd, "_STREAMED_BYTES", 0)
    monkeypatch.setattr(simd, "_PLACED_BYTES", 0)
    for width in (15, 16, 32, 48, 50):
        _verify("c.simd", ConvCase.parse(f"ic1ih19iw{width}oc1kh5ph2"))
        _verify("c.simd[fast_fir]", ConvCase.parse(f"ic1ih19iw{width}oc1kh11ph5"))


def test_large_and_kept_outputs_lie_apart_from_the_image() -> None:
    small, large = ConvCase.parse("ic1ih16oc1kh3ph1"), ConvCase.parse("ic1ih600oc1kh3ph1")
    image = np.empty(large.image_shape, np.float32)
    address = image.ctypes.data
    for case, output in ((large, simd._fresh(large, address)()), (small, simd._kept(small, address))):
        assert output.shape == case.output_shape
        assert output.flags["C_CONTIGUOUS"]
        assert (output.ctypes.data - address) % 4096 in range(1536 - 63, 1537)


_GUARDED = """
import ctypes, mmap, sys
import numpy as np
from impls.case import ConvCase
from impls.catalog import find

libc = ctypes.CDLL(None, use_errno=True)
case = ConvCase.parse(sys.argv[2])


def guarded(values, at_end):
    # Memory between two pages that nobody may touch, flush with one of them.
    page = mmap.PAGESIZE
    inner = (values.nbytes + page - 1) // page * page
    region = mmap.mmap(-1, inner + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(region))
    array = np.frombuffer(region, np.float32, values.size, page + (inner - values.nbytes if at_end else 0))
    array = array.reshape(values.shape)
    array[...] = values
    for edge in (start, start + page + inner):
        assert libc.mprotect(ctypes.c_void_p(edge), page, 0) == 0
    return region, array


random = np.random.default_rng(1)
weight = random.standard_normal(case.weight_shape, np.float32)
for at_end in (False, True):
    kept, image = guarded(random.standard_normal(case.image_shape, np.float32), at_end)
    find(sys.argv[1]).prepare(case, image, weight, None)()
print("inside")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mprotect by way of the C library")
@pytest.mark.parametrize("name", [*LEVELS, "c.simd[fast_fir]"])
@pytest.mark.parametrize(
    "case", ["ic1ih64iw16oc1kh3ph1", "ic1ih32iw32oc1kh11ph5", "ic1ih5iw205oc1kh7ph3", "ic1ih40oc1kh4"]
)
def test_no_memory_outside_the_image_is_read(name: str, case: str) -> None:
    if not find(name).available(ConvCase.parse(case)).available:
        pytest.skip(find(name).available(ConvCase.parse(case)).reason)
    answer = subprocess.run(
        [sys.executable, "-c", _GUARDED, name, case],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stdout) == (0, "inside\n"), answer.stderr


def test_what_vectors_are_not_made_for_takes_the_loop() -> None:
    for name in ("mb2ic4ih9oc6kh3ph1", "ic1ih9oc1kh3sh2", "ic1ih9oc1kh3dh1", "ic1ih9oc1kh3ph1_f64"):
        case = ConvCase.parse(name)
        assert not simd.fits(case)
        _verify("c.simd", case)
        kept = next(switch.prepare for switch in find("c.simd").switches if switch.name == "output_buffer")
        assert kept is not None
        call = kept(case, *as_given(find("c.simd"), make_data(case, seed=1)))
        assert np.shares_memory(call(), call())
