"""What clocks become, and the real NVML binding against a driver library built here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.measure.clocks import ClockWatch, Reading
from profiler.records import Clocks

_LIBRARY = Path(__file__).with_name("nvml_library.c")
_ASK = """
import json
from types import SimpleNamespace
import torch
torch.cuda.current_device = lambda: 0
torch.cuda.get_device_properties = lambda _: SimpleNamespace(uuid="01234567-89ab-cdef-0123-456789abcdef")
from dataclasses import asdict
from profiler.measure.clocks import nvml_handle, nvml_reader
from profiler.measure.device_facts import driver_facts
print(json.dumps([asdict(nvml_reader()()), driver_facts(nvml_handle())]))
"""


def _readings(*readings: Reading) -> ClockWatch:
    given: Iterator[Reading] = iter(readings)
    return ClockWatch("cuda", lambda: next(given))


def test_a_round_has_the_extremes_of_its_readings_and_every_reason() -> None:
    watch = _readings(
        Reading(1980, 2619, 50, 300.0, 0x1),
        Reading(1410, 2619, 55, 410.0, 0x4 | 0x40),
        Reading(1935, 2600, 52, 305.0, 0x2),
        Reading(1980, 2619, 50, 290.0, 0x0),
    )
    for _ in range(3):
        watch.look()
    assert watch.taken(3, 7) == Clocks(
        device="cuda",
        process=3,
        round=7,
        least_mhz=1410,
        most_mhz=1980,
        memory_mhz=2600,
        celsius=55,
        watts=410.0,
        slowed=["heat, by hardware", "the power limit"],
    )
    watch.look()
    second = watch.taken(3, 8)
    assert second is not None
    assert (second.least_mhz, second.slowed) == (1980, [])


def test_where_nothing_can_be_read_nothing_is_told() -> None:
    watch = ClockWatch.of("standin")
    watch.look()
    assert watch.taken(1, 0) is None


def test_nvml_is_asked_for_the_card_by_its_name(tmp_path: Path) -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed: pip install 'convprof[nvml]'")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build a driver library with")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "libnvidia-ml.so.1", _LIBRARY], check=True)
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reading, facts = json.loads(done.stdout)
    assert reading == {"clock_mhz": 1755, "memory_mhz": 2619, "celsius": 51, "watts": 310.5, "reasons": 5}
    assert facts == {
        "driver": "580.65.06",
        "clocks": "up to 1980 MHz, memory 2619 MHz",
        "power_limit": "700 W",
        "ecc": "on",
    }
