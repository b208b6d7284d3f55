"""Real workers try switches; what fails there loses its switches only."""

from __future__ import annotations

import random
from pathlib import Path

from profiler.isolation import run_worker
from profiler.manifest import PlannedImplementation
from profiler.measure.protocol import ScreenJob, ScreenTask, encode_job
from profiler.measure.switches import environment_of
from profiler.records import AnyRecord, Exposed, Screened

_FILE = """
import time
import torch
from concurrent.futures import ThreadPoolExecutor
from torch.nn import functional
pool = ThreadPoolExecutor(1)

def tiny(image: torch.Tensor, weight: torch.Tensor):
    small = torch.full((4096,), 1e-40)
    for _ in range(20):
        small = small * 0.99
    return functional.conv2d(image, weight, padding=1)

def hands_over(image: torch.Tensor, weight: torch.Tensor):
    task = pool.submit(time.sleep, 0.001)
    result = functional.conv2d(image, weight, padding=1)
    task.result()
    return result
"""


def _screened(tmp_path: Path, planned: list[PlannedImplementation]) -> list[AnyRecord]:
    job = ScreenJob(
        process=1,
        seed=random.Random(1).randrange(100),
        device="cpu",
        threads=1,
        call_limit_s=5.0,
        tasks=[ScreenTask(implementation=each, case="ic1ih8oc1kh3ph1", seconds=2.0) for each in planned],
    )
    heard: list[AnyRecord] = []
    ending = run_worker("profiler.measure.worker", encode_job(job), on_record=heard.append, log=tmp_path / "log",
                        environment={"OMP_NUM_THREADS": "1"})  # fmt: skip
    assert ending.kind == "finished", (tmp_path / "log").read_text()
    return heard


def _of_file(file: Path, name: str) -> PlannedImplementation:
    return PlannedImplementation(name=f"mine:{name}", family="manual", summary="", source="file",
                                 location=f"{file}:{name}", asked_for=True)  # fmt: skip


def test_every_switch_is_tried_and_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(_FILE)
    module = PlannedImplementation(name="article.module", family="library", summary="", source="catalog")
    heard = _screened(tmp_path, [module, _of_file(file, "tiny"), _of_file(file, "hands_over")])
    tried = {(each.implementation, each.switch): each for each in heard if isinstance(each, Screened)}
    assert tried["article.module", "inference_mode"].kept
    assert not tried["article.module", "functional"].composable
    assert tried["article.module", "recycled_memory"].scope == "process"
    flushed = tried["mine:tiny", "denormals_flushed"]
    assert flushed.seconds_as_is is not None
    assert flushed.cause == "arithmetic"
    exposed = [each for each in heard if isinstance(each, Exposed)]
    assert [(each.implementation, each.tasks) for each in exposed] == [("mine:hands_over", 1.0)]


_COUNTING = """
import resource, sys
import torch
from torch.nn import functional
torch.set_num_threads(1)
image, weight = torch.randn(1, 1, 1024, 1024), torch.randn(1, 1, 3, 3)
with torch.inference_mode():
    for _ in range(3):
        functional.conv2d(image, weight, padding=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        functional.conv2d(image, weight, padding=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_recycled_memory_makes_page_faults_vanish(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    def faults(variables: dict[str, str]) -> int:
        answer = subprocess.run([sys.executable, "-c", _COUNTING], env={**os.environ, **variables}, check=True,
                                capture_output=True, text=True, cwd=tmp_path)  # fmt: skip
        return int(answer.stdout)

    as_is = faults({})
    assert as_is > 1000
    assert faults(environment_of("recycled_memory")) < 0.1 * as_is
