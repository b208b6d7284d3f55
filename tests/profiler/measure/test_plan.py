"""Which implementations a plan holds, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from impls.catalog import CATALOG, find
from impls.contract import AVAILABLE, Availability, Implementation
from impls.errors import CaseNameError, UnknownImplementation, UserFunctionError
from profiler.errors import UsageError
from profiler.manifest import DeviceFacts, Manifest
from profiler.measure import plan

CASE = "ic1ih8oc1kh3ph1"
SHIPPED = [each.name for each in CATALOG if each.primary and "cpu" in each.devices]


def planned(*implementations: str, **changes: Any) -> Manifest:
    options: dict[str, Any] = {
        "cases": [CASE],
        "implementations": list(implementations),
        "baseline": None,
        "device": "cpu",
        "threads": None,
        "time_s": 80.0,
        "call_limit_s": None,
        "command": ["convprof"],
        "seed": None,
        **changes,
    }
    return plan.make_manifest(**options)


def names(manifest: Manifest) -> list[str]:
    return [entry.name for entry in manifest.implementations]


@pytest.fixture(autouse=True)
def _no_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "entry_point_names", list)


def test_nothing_named_means_all_that_ships_and_all_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "entry_point_names", lambda: ["installed.one"])
    manifest = planned()
    assert names(manifest) == [*SHIPPED, "installed.one"]
    assert manifest.implementations[-1].source == "entry_point"
    assert not any(entry.asked_for for entry in manifest.implementations)
    assert manifest.baseline == "torch.conv2d"


def test_a_pattern_names_all_that_it_fits_and_brackets_stand_for_themselves() -> None:
    expected = [each.name for each in CATALOG if each.name.startswith("c.direct[")]
    assert len(expected) > 1
    manifest = planned("c.direct[*")
    assert names(manifest) == ["torch.conv2d", *expected]
    assert not any(entry.asked_for for entry in manifest.implementations)
    with pytest.raises(UnknownImplementation, match=r"like 'nothing\.\*'"):
        planned("nothing.*")


def test_names_restrict_the_plan_to_them_and_the_baseline() -> None:
    manifest = planned("numpy.im2col", "article.module", "numpy.im2col")
    assert names(manifest) == ["torch.conv2d", "numpy.im2col", "article.module"]
    assert [entry.asked_for for entry in manifest.implementations] == [False, True, True]


def test_a_baseline_that_is_named_is_asked_for() -> None:
    manifest = planned("torch.unfold", baseline="numpy.im2col")
    assert names(manifest) == ["numpy.im2col", "torch.unfold"]
    assert manifest.baseline == "numpy.im2col"
    assert all(entry.asked_for for entry in manifest.implementations)


def test_a_file_is_added_to_all_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = planned("mine.py:f")
    assert names(manifest) == [*SHIPPED, "mine:f"]
    mine = manifest.implementations[-1]
    assert (mine.source, mine.location, mine.asked_for) == ("file", f"{tmp_path / 'mine.py'}:f", True)


def test_a_file_is_added_to_the_names_given() -> None:
    assert names(planned("nowhere/mine.py:f", "numpy.im2col")) == ["torch.conv2d", "mine:f", "numpy.im2col"]


def test_a_file_may_be_the_baseline() -> None:
    manifest = planned("torch.unfold", baseline="mine.py:f")
    assert manifest.baseline == "mine:f"
    assert names(manifest) == ["mine:f", "torch.unfold"]


def test_an_installed_one_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "entry_point_names", lambda: ["installed.one"])
    manifest = planned("installed.one")
    assert [(entry.name, entry.source) for entry in manifest.implementations] == [
        ("torch.conv2d", "catalog"),
        ("installed.one", "entry_point"),
    ]


def test_what_ships_keeps_its_name_from_installed_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ["c.direct[-O1]", "installed.one", "torch.conv2d"]
    monkeypatch.setattr(plan, "entry_point_names", lambda: taken)
    assert names(planned()) == [*SHIPPED, "installed.one"]
    assert names(planned("mine.py:f")) == [*SHIPPED, "installed.one", "mine:f"]
    named = planned("c.direct[-O1]", "torch.conv2d")
    assert [(entry.name, entry.source) for entry in named.implementations] == [
        ("torch.conv2d", "catalog"),
        ("c.direct[-O1]", "catalog"),
    ]


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a/mine\.py:f and .*b/mine\.py:f would both be called mine:f; rename"):
        planned("a/mine.py:f", "b/mine.py:f")


@pytest.mark.parametrize(
    ("implementation", "error", "message"),
    [
        ("torch.conv2", UnknownImplementation, "torch.conv2d"),
        ("mine.py", UserFunctionError, "names no function"),
        ("", UnknownImplementation, "no implementation"),
    ],
)
def test_what_cannot_be_understood_is_refused(implementation: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        planned(implementation)


def test_a_case_that_is_none_is_refused() -> None:
    with pytest.raises(CaseNameError):
        planned(cases=["ic1"])


def test_a_device_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="--device tpu is not known; use --device cpu or --device cuda"):
        planned(device="tpu")


def _on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = DeviceFacts(
        name="Example GPU",
        capability="9.0",
        multiprocessors=132,
        memory_bytes=80 << 30,
        cache_bytes=50 << 20,
        runtime="13.0",
        cudnn="9.15.1",
    )
    monkeypatch.setattr(plan, "facts_of", lambda device: facts if device == "cuda" else None)


def test_a_run_on_a_device_plans_what_computes_there_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    _on_a_device(monkeypatch)
    monkeypatch.setattr(plan, "CATALOG", tuple(_for_devices(each) for each in CATALOG))
    manifest = planned(device="cuda")
    assert names(manifest) == ["torch.conv2d", "torch.shift_add"]
    assert (manifest.device, manifest.threads) == ("cuda", [1])
    assert planned(device="cuda", threads=4).threads == [1, 4]
    assert manifest.environment.accelerator is not None
    assert manifest.environment.accelerator.name == "Example GPU"


def _for_devices(implementation: Implementation) -> Implementation:
    both = implementation.name in ("torch.conv2d", "torch.shift_add")
    return replace(implementation, devices=("cpu", "cuda") if both else ("cpu",))


def test_what_is_named_and_does_not_compute_on_the_device_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    _on_a_device(monkeypatch)
    monkeypatch.setattr(plan, "find", lambda name: _for_devices(find(name)))
    manifest = planned("numpy.im2col", device="cuda")
    assert [(each.implementation, each.reason) for each in manifest.unavailable] == [
        ("numpy.im2col", "it does not compute on cuda; use --device cpu")
    ]


@pytest.mark.parametrize(
    ("threads", "cores", "conditions"), [(None, 4, [1, 4]), (None, 1, [1]), (1, 4, [1]), (3, 4, [1, 3]), (8, 2, [1, 8])]
)
def test_one_thread_is_always_a_condition(threads: int | None, cores: int, conditions: list[int]) -> None:
    assert plan._conditions(threads, cores) == conditions


@pytest.mark.parametrize(("time_s", "limit_s"), [(80.0, 10.0), (10.0, 5.0), (800.0, 100.0)])
def test_a_call_may_take_an_eighth_of_the_run(time_s: float, limit_s: float) -> None:
    assert planned("torch.conv2d", time_s=time_s).call_limit_s == limit_s
    assert planned("torch.conv2d", time_s=time_s, call_limit_s=0.5).call_limit_s == 0.5


def test_a_seed_is_kept_or_drawn() -> None:
    assert planned("torch.conv2d", seed=0).seed == 0
    assert planned("torch.conv2d").seed != planned("torch.conv2d").seed


def test_what_cannot_run_a_case_is_listed_with_the_reason() -> None:
    square_only = "ic2ih8oc4kh3sh2dh1_bias"
    expected = [
        (implementation.name, square_only, implementation.available(plan.ConvCase.parse(square_only)).reason)
        for implementation in CATALOG
        if implementation.name in SHIPPED and implementation.available(plan.ConvCase.parse(square_only)) != AVAILABLE
    ]
    manifest = planned(cases=[CASE, square_only])
    found = [(entry.implementation, entry.case, entry.reason) for entry in manifest.unavailable]
    assert [entry for entry in found if entry[1] == square_only] == expected
    assert all(isinstance(reason, str) and reason for _, _, reason in found)
    assert Availability.no("a reason") != AVAILABLE


def test_planning_imports_no_torch() -> None:
    source = (
        "import sys; from profiler.measure.plan import make_manifest\n"
        "make_manifest(cases=['ic1ih8oc1kh3'], implementations=[], baseline=None, device='cpu', threads=None,"
        " time_s=80.0, call_limit_s=None, command=[], seed=None)\n"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
