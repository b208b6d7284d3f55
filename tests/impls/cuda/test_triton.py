"""The Triton kernel without a GPU: interpreted against the oracle, and compiled for GPUs that are not there."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from impls.case import ConvCase
from impls.cuda.triton_direct import DIRECT, TILE, Tile
from impls.cuda.triton_offline import compiled_for

needs_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed: pip install 'convprof[triton]' (1 GB)"
)

# Edges of a tile on both sides, several tiles, several images, groups, strides, dilation, bias, float64.
CASES = (
    "ic1ih5iw7oc1kh3ph1",
    "ic1ih6iw67oc1kh2kw1ph1pw0",
    "g2mb2ic4ih5iw3oc2kh2sh2sw1ph1pw2dh0dw1_bias",
    "mb1ic2ih3iw8oc3kh2kw3sh1sw3ph0pw2_f64",
)


@needs_triton
def test_interpreted_it_computes_what_the_oracle_does() -> None:
    script = Path(__file__).with_name("triton_interpreted.py")
    done = subprocess.run([sys.executable, script, *CASES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def own_triton_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", os.fspath(tmp_path))


@needs_triton
@pytest.mark.usefixtures("own_triton_cache")
@pytest.mark.parametrize("architecture", [80, 90])
@pytest.mark.parametrize(
    ("name", "ceiling"),
    [("ic1ih100oc1kh3ph1", 64), ("ic1ih100oc1kh3ph1_bias_f64", 96), ("ic1ih100oc1kh11ph5_bias", 128)],
)
def test_compiled_it_keeps_within_its_registers_and_needs_no_stack(name: str, ceiling: int, architecture: int) -> None:
    found = compiled_for(ConvCase.parse(name), architecture)
    assert 16 <= found.registers <= ceiling
    assert found.stack_bytes == 0


@needs_triton
@pytest.mark.usefixtures("own_triton_cache")
def test_a_larger_tile_would_spill() -> None:
    assert compiled_for(ConvCase.parse("ic1ih100oc1kh3ph1"), 80, Tile(32, 32, warps=1)).stack_bytes > 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ic1ih40oc1kh3kw16", "the kernel's 16 columns would be unrolled, and beyond 15 that takes more registers"),
        ("ic1ih50000oc1kh3ph1", "Triton's kernel counts to 2147483647, and the case has 2500200004 pixels or programs"),
    ],
)
def test_what_it_does_not_compute_is_said_without_a_gpu(name: str, reason: str) -> None:
    assert DIRECT.available(ConvCase.parse(name)).reason.startswith(reason)


def test_a_tile_gives_each_thread_the_same_number_of_outputs() -> None:
    assert TILE.height * TILE.width % (32 * TILE.warps) == 0


@pytest.mark.skipif(find_spec("triton") is not None, reason="Triton is installed")
def test_without_triton_that_is_said_first() -> None:
    answer = DIRECT.available(ConvCase.parse("ic1ih100oc1kh3ph1"))
    assert answer.reason.startswith("Triton is not installed: pip install 'convprof[triton]'")
