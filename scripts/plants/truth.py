"""Times planted work alone, in a process of its own: `python -m plants.truth`, wishes as JSON on input.

Each wish is a plant, a case and a magnitude. The amount that takes about so long is found first; then the parts that
the truth is made of are timed call by call, with the convolution running between them, so that caches are as they are
when the work stands inside a call. The answer is JSON: amounts, and seconds by cause.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from plants.catalog import BASES, plant_named
from plants.plant import Plant, Work

from impls.case import ConvCase
from impls.data import make_data

Base = Callable[[], Any]

_TRIAL_S = 0.8
_MOST_REPEATS = 400
_LEAST_REPEATS = 7


def main() -> None:
    """Answer every wish."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with torch.inference_mode():
        answers = [_answer(wish) for wish in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # pools of threads that plants made need not be waited for


def _answer(wish: dict[str, Any]) -> dict[str, Any]:
    data = make_data(ConvCase.parse(wish["case"]), seed=3)
    arrays = wish["onto"] == "base_arrays"
    image, weight = (each if arrays else torch.from_numpy(each) for each in (data.image, data.weight))
    base = functools.partial(BASES[wish["onto"]], image, weight)
    plant = plant_named(wish["plant"])
    amount = _amount(plant, wish["seconds"], base, image)
    works = {
        f"{cause} {place}": make(amount)
        for cause, parts in plant.truth.items()
        for place, (_, make) in enumerate(parts)
    }
    seconds = _seconds(works, base, image)
    added = _added(plant.make(amount), base, image)
    truth = {
        cause: sum(sign * seconds[f"{cause} {place}"] for place, (sign, _) in enumerate(parts))
        for cause, parts in plant.truth.items()
    }
    return {**wish, "amount": amount, "truth": truth, "alone": added}


def _amount(plant: Plant, wanted: float, base: Base, image: Any) -> int:
    amount = plant.unit
    for _ in range(3):
        taken = _seconds({"": plant.make(amount)}, base, image, trial_s=0.1)[""]
        amount = max(1, round(amount * min(50.0, wanted / taken)))
    return amount


def _added(work: Work, base: Base, image: Any) -> float:
    """Give what work adds to a call: its own time, and what the convolution takes longer for the caches it left."""
    added: list[float] = []
    deadline = time.perf_counter() + _TRIAL_S
    while len(added) < _LEAST_REPEATS or (time.perf_counter() < deadline and len(added) < _MOST_REPEATS):
        base()
        moments = [time.perf_counter_ns()]
        for step in (base, work, base):
            if step is base:
                base()
            else:
                work(image)
            moments.append(time.perf_counter_ns())
        undisturbed, own, after = (later - earlier for earlier, later in pairwise(moments))
        added.append((own + after - undisturbed) / 1e9)
    return statistics.median(added)


def _seconds(works: dict[str, Work], base: Base, image: Any, trial_s: float = _TRIAL_S) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in works}
    deadline = time.perf_counter() + trial_s
    for repeat in range(_MOST_REPEATS):
        if repeat >= _LEAST_REPEATS and time.perf_counter() > deadline:
            break
        for name, work in works.items():
            base()
            start = time.perf_counter_ns()
            work(image)
            times[name].append((time.perf_counter_ns() - start) / 1e9)
    return {name: statistics.median(taken) for name, taken in times.items()}


if __name__ == "__main__":
    main()
