"""NVTX tools see the ranges: a tool in miniature, built here, is loaded by the real NVTX library."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from impls.compiled.compiler import find_compiler
from profiler.capture.ranges import NVTX_DOMAIN
from profiler.labels import CallLabel, write_label
from profiler.nsys import SEEN_BY_ALL_NSYS

_SOURCE = Path(__file__).with_name("nvtx_log.c")
_SCRIPT = """
from profiler.capture.ranges import LabelledRange
from profiler.labels import CallLabel

for number in range(2):
    with LabelledRange(CallLabel("mine:f", "ic1ih8oc1kh3", number)):
        with LabelledRange(CallLabel("inner", "ic1ih8oc1kh3", number)):
            pass
"""


def test_each_labelled_range_is_pushed_and_popped_in_our_domain_with_its_call_s_number(tmp_path: Path) -> None:
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C compiler to build the NVTX tool with")
    version = importlib.metadata.version("nvtx")
    if version != SEEN_BY_ALL_NSYS:
        pytest.skip(f"nvtx {version} asks its tool if a domain is enabled, which this small one cannot tell")
    tool, log = tmp_path / "nvtx_log.so", tmp_path / "log.txt"
    subprocess.run([*compiler.command, "-shared", "-fPIC", "-O1", "-o", tool, _SOURCE], check=True)
    variables = {**os.environ, "NVTX_INJECTION64_PATH": str(tool), "NVTX_LOG": str(log)}
    subprocess.run([sys.executable, "-c", _SCRIPT], env=variables, check=True, timeout=120)

    lines = log.read_text().splitlines()

    assert [line for line in lines if line.startswith("domain")] == [f"domain {NVTX_DOMAIN}"]
    outer, inner = (
        [write_label(CallLabel(name, "ic1ih8oc1kh3", number)) for number in range(2)] for name in ("mine:f", "inner")
    )
    expected = []
    for number in range(2):
        expected += [f"push {NVTX_DOMAIN} {text} [signed {number}]" for text in (outer[number], inner[number])]
        expected += [f"pop {NVTX_DOMAIN}"] * 2
    assert [line for line in lines if not line.startswith("domain")] == expected
