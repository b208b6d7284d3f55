"""What the tests of measuring share: a plan made by hand, a reader's file with every fault, hand-built samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler.environment import read_environment
from profiler.manifest import MANIFEST_VERSION, Manifest, PlannedImplementation
from profiler.records import Mode, Sample

CASE = "ic1ih8oc1kh3ph1"
FAULTS = Path(__file__).parent / "faults.py"

MakeManifest = Callable[..., Manifest]
MakeSample = Callable[..., Sample]
Planned = Callable[[str], PlannedImplementation]


@pytest.fixture
def planned() -> Planned:
    """Give the plan of one implementation: a function of the file of faults, or one that ships."""

    def make(name: str) -> PlannedImplementation:
        if name.startswith("faults:"):
            location = f"{FAULTS}:{name.removeprefix('faults:')}"
            return PlannedImplementation(
                name=name, family="manual", summary="", source="file", location=location, asked_for=True
            )
        return PlannedImplementation(name=name, family="library", summary="", source="catalog")

    return make


@pytest.fixture
def make_manifest(planned: Planned) -> MakeManifest:
    """Make a plan for the smallest preset, one thread and a few seconds, unless said otherwise."""

    def make(names: list[str], **changes: Any) -> Manifest:
        manifest = Manifest(
            version=MANIFEST_VERSION,
            convprof="0",
            created="2025-01-30T12:00:00+00:00",
            command=["convprof", "analyze"],
            seed=11,
            device="cpu",
            cases=[CASE],
            implementations=[planned(name) for name in names],
            unavailable=[],
            baseline="torch.conv2d",
            threads=[1],
            time_s=2.0,
            call_limit_s=5.0,
            environment=read_environment(),
        )
        return msgspec.structs.replace(manifest, **changes)

    return make


@pytest.fixture
def make_sample() -> MakeSample:
    """Make one sample by hand."""

    def make(
        implementation: str, process: int, number: int, seconds: float, *, mode: Mode = "steady", **changes: Any
    ) -> Sample:
        sample = Sample(
            implementation=implementation,
            variant="",
            case=CASE,
            device="cpu",
            threads=1,
            mode=mode,
            process=process,
            round=number,
            calls=1,
            seconds_per_call=seconds,
            cpu_seconds_per_call=seconds,
            minor_faults_per_call=0.0,
            involuntary_switches=0,
        )
        return msgspec.structs.replace(sample, **changes)

    return make
