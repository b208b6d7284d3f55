"""From the command to the report on a real GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from profiler.store import RunDirectory

_MINE = '''
import torch


def mine(image: torch.Tensor, weight: torch.Tensor):
    """Compute it with the library, on whatever device the image lies."""
    return torch.nn.functional.conv2d(image, weight, padding=1)
'''


@pytest.mark.gpu
def test_analyze_on_a_gpu_measures_captures_and_reports(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(_MINE)
    out = tmp_path / "run"
    command = [sys.executable, "-m", "profiler.cli", "analyze", "--device", "cuda", "--case", "small", "--time", "30"]
    chosen = ("torch.conv2d", "article.module", "torch.shift_add", f"{file}:mine")
    names = [word for name in chosen for word in ("--impl", name)]
    done = subprocess.run(
        [*command, *names, "--out", str(out), "--json"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"] is True
    run = RunDirectory.open(out)
    facts = run.manifest().environment.accelerator
    assert facts is not None
    assert facts.name
    assert facts.multiprocessors > 0

    times = pd.read_parquet(run.tables / "device_times.parquet")
    assert set(times["implementation"]) == {"torch.conv2d", "article.module", "torch.shift_add", "mine:mine"}
    figures = times[times["implementation"] == "torch.conv2d"].set_index("figure")["median_s"]
    assert {"throughput", "isolated_latency", "device_only", "cache_warm", "cache_flushed"} <= set(figures.index)
    assert figures["device_only"] < figures["isolated_latency"]
    assert figures["throughput"] < figures["isolated_latency"]

    cold = pd.read_parquet(run.tables / "cold.parquet")
    assert {"context", "first_launch", "library_load", "algorithm_choice"} <= set(cold["stage"])
    ceilings = pd.read_parquet(run.tables / "ceilings.parquet").set_index("name")["value"]
    assert {"copy_bandwidth", "multiply_add_peak", "launch", "synchronize"} <= set(ceilings.index)
    launches = pd.read_parquet(run.tables / "launches.parquet").set_index("implementation")
    assert launches.loc["torch.shift_add", "kernel_launches"] > 0
    report = run.report_path.read_text()
    assert "## On the device" in report
    assert facts.name in report.replace("\\", "")
