"""The libraries to compare with: imported late, named when they are missing, true to the number of threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from impls.case import ConvCase
from impls.catalog import CATALOG, find
from impls.contract import Implementation
from impls.peers.extras import not_installed

MODULES = ("cv2", "scipy", "onnx", "onnxruntime", "openvino", "jax", "halide")
CASE = ConvCase.parse("ic1ih8oc1kh3ph1")
PEERS = [implementation for implementation in CATALOG if implementation.prepare.__module__.startswith("impls.peers.")]
PEERS += [find("scipy.fftconvolve"), find("scipy.oaconvolve")]  # partials, which have no module
EVERY = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)


def _skip_unavailable(peer: Implementation) -> None:
    answer = peer.available(CASE)
    if not answer.available:
        pytest.skip(answer.reason)


def test_these_are_the_peers_and_none_is_in_a_run_that_names_none() -> None:
    assert len(PEERS) == 10
    assert not any(peer.primary for peer in PEERS)


def test_asking_what_is_available_imports_no_library() -> None:
    probe = f"""
import sys
from impls.case import ConvCase
from impls.catalog import CATALOG
for implementation in CATALOG:
    implementation.available(ConvCase.parse({CASE.name!r}))
print(set({MODULES!r}) & set(sys.modules))
"""
    answer = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert answer.stdout == "set()\n"


def test_a_missing_library_is_told_with_the_extra_that_installs_it() -> None:
    assert not_installed("NumPy", "none", "numpy") == ""
    reason = not_installed("Any such library", "extra", "numpy", "no_such_module")
    assert reason == "Any such library is not installed: pip install 'convprof[extra]'"


@EVERY
def test_what_is_unavailable_is_told_in_one_line_with_a_remedy(peer: Implementation) -> None:
    answer = peer.available(CASE)
    assert answer.available == (answer.reason == "")
    assert answer.available or "is not installed: pip install 'convprof[" in answer.reason or "; use " in answer.reason
    assert "\n" not in answer.reason


@pytest.mark.parametrize(
    ("name", "case", "reason"),
    [
        ("opencv.filter2d", "ic1ih9oc1kh3ph2", "OpenCV's filter2D pads at most 1x1 for a kernel that spans 3x3"),
        ("opencv.filter2d", "ic1ih9oc1kh8ph0_f64", "from 50 kernel elements on, here 64; use float32"),
        ("scipy.ndimage_correlate", "ic1ih9oc1kh3ph2", "pads at most 1x1"),
        ("scipy.correlate2d", "ic1ih9oc1kh3ph3", "pads at most 2x2"),
        ("ipp.filter_border", "ic1ih9oc1kh4ph2", "Intel IPP's FilterBorder pads at most 1x1"),
        ("onnxruntime.conv", "ic1ih9oc1kh3_f64", "no kernel for float64 on the CPU; use float32"),
        ("openvino.convolution", "ic1ih9oc1kh3_f64", "computes float64 convolutions in float32"),
    ],
)
def test_a_case_that_a_library_cannot_do_is_declined(name: str, case: str, reason: str) -> None:
    peer = find(name)
    _skip_unavailable(peer)
    answer = peer.available(ConvCase.parse(case))
    assert not answer.available
    assert reason in answer.reason


@pytest.mark.skipif(sys.platform != "linux", reason="processor time by thread is read as Linux tells it")
@EVERY
def test_one_thread_is_all_that_computes_where_one_is_asked_for(peer: Implementation) -> None:
    _skip_unavailable(peer)
    probe = f"""
import sys
import psutil
from impls.case import ConvCase
from impls.catalog import find
from impls.data import as_given, make_data

def spent():
    return {{thread.id: thread.user_time + thread.system_time for thread in psutil.Process().threads()}}

peer, case = find({peer.name!r}), ConvCase.parse("ic1ih1024oc1kh7ph3")
call = peer.prepare(case, *as_given(peer, make_data(case, seed=1)))
call()
before = spent()
while sum(spent().values()) - sum(before.values()) < 0.5:
    call()
gained = sorted(seconds - before.get(thread, 0) for thread, seconds in spent().items())
print(gained[-1] / sum(gained))
"""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", probe]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert float(answer.stdout) > 0.9


def test_openvino_sends_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    peer = find("openvino.convolution")
    _skip_unavailable(peer)
    probe = f"""
from impls.case import ConvCase
from impls.catalog import find
from impls.data import as_given, make_data
import os
peer, case = find({peer.name!r}), ConvCase.parse({CASE.name!r})
peer.prepare(case, *as_given(peer, make_data(case, seed=1)))()
assert "CI" not in os.environ
"""
    environment = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", probe], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []
