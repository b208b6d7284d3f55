"""The kernels on PoCL: right over many work-groups, wrong without a barrier, and what a recording tells."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from impls.case import ConvCase
from impls.catalog import CATALOG, find
from impls.contract import Implementation
from impls.data import as_given, make_data
from impls.opencl import device as device_module
from impls.opencl.device import context, device, opencl_device
from impls.opencl.implementations import DIRECT, LOCAL_MEMORY, SOURCE, prepared_with
from impls.reference import Check, check

THERE = opencl_device()
NEEDS_OPENCL = pytest.mark.skipif(not THERE.available, reason=THERE.reason or "there")
BOTH = pytest.mark.parametrize("implementation", [DIRECT, LOCAL_MEMORY], ids=lambda each: each.name)
# More than one work-group along each axis, the last ones not full, and several channels through one tile.
MANY_GROUPS = ("mb2ic3ih21iw35oc2kh3ph1_bias", "g2ic4ih40iw37oc2kh5kw2sh2sw1ph2pw1dh1dw0")
BARRIER = "barrier(CLK_LOCAL_MEM_FENCE);"


def _checked(case: ConvCase, implementation: Implementation, call: Any) -> Check:
    data = make_data(case, seed=3)
    return check(case, call, data.image, data.weight, data.bias, kind=implementation.error_bound)


def _prepared(implementation: Implementation, case: ConvCase) -> Any:
    return implementation.prepare(case, *as_given(implementation, make_data(case, seed=3)))


def test_they_are_in_the_catalog_and_in_no_run_that_names_none() -> None:
    assert [each.name for each in CATALOG if each.name.startswith("opencl.")] == [
        "opencl.direct",
        "opencl.local_memory",
    ]
    assert not DIRECT.primary
    assert not LOCAL_MEMORY.primary
    assert DIRECT.devices == ("cpu",)
    assert "not a GPU" in DIRECT.summary


@NEEDS_OPENCL
@BOTH
@pytest.mark.parametrize("name", MANY_GROUPS)
def test_many_work_groups_compute_what_the_oracle_does(implementation: Implementation, name: str) -> None:
    case = ConvCase.parse(name)
    answer = _checked(case, implementation, _prepared(implementation, case)())
    assert answer.correct, answer.reason


@NEEDS_OPENCL
def test_without_barriers_it_is_wrong() -> None:
    """A single missing one PoCL hides: it puts barriers of its own around a loop that holds one."""
    import pyopencl

    whole = SOURCE.read_text()
    assert whole.count(BARRIER) == 2
    program = pyopencl.Program(context(), whole.replace(BARRIER, "")).build(["-DREAL=float"], cache_dir=False)
    case = ConvCase.parse(MANY_GROUPS[0])
    given = as_given(LOCAL_MEMORY, make_data(case, seed=3))
    call = prepared_with(program, "convolution_local_memory", case, *given)
    assert not _checked(case, LOCAL_MEMORY, call()).correct


@NEEDS_OPENCL
@BOTH
def test_a_recording_tells_each_call_of_the_host_and_each_command_of_the_device(implementation: Implementation) -> None:
    case = ConvCase.parse(MANY_GROUPS[0])
    call = _prepared(implementation, case)
    assert implementation.device_events is not None
    plain = call()
    with implementation.device_events() as events:
        outputs = [call(), call()]
    call()
    assert all(np.array_equal(output, plain) for output in outputs)
    names = ["clEnqueueWriteBuffer", "clEnqueueNDRangeKernel", "clEnqueueReadBuffer", "clFinish"]
    assert [each.name for each in events.host_calls] == names * 2
    assert [each.correlation for each in events.host_calls] == list(range(1, 9))
    moments = [moment for each in events.host_calls for moment in (each.begin_ns, each.end_ns)]
    assert moments == sorted(moments)
    kinds = ["host_to_device", "kernel", "device_to_host"]
    assert [each.kind for each in events.activities] == kinds * 2
    assert [each.correlation for each in events.activities] == [1, 2, 3, 5, 6, 7]
    assert {each.stream for each in events.activities} == {0}
    for each in events.activities:
        assert each.queued_ns <= each.submitted_ns <= each.start_ns <= each.end_ns
    ends = [each.end_ns for each in events.activities]
    assert ends == sorted(ends)
    written, kernel, read = events.activities[:3]
    assert (written.bytes, read.bytes) == (2 * 3 * 21 * 35 * 4, 2 * 2 * 21 * 35 * 4)
    assert (kernel.grid, kernel.block) == ((3, 2, 4), (16, 16, 1))
    assert kernel.local_bytes == (18 * 18 * 4 if implementation is LOCAL_MEMORY else 0)
    assert events.runtime == "opencl"
    assert device().name in events.device
    assert all(each.before_ns <= each.after_ns for each in events.clock)


@NEEDS_OPENCL
@pytest.mark.parametrize(
    ("name", "case", "reason"),
    [
        ("opencl.local_memory", "ic1ih9000oc1kh9000_f64", "bytes of local memory, and the OpenCL device has"),
        ("opencl.direct", "mb9999ic999ih9999oc1kh1", "does not fit into a buffer of the OpenCL device"),
    ],
)
def test_what_the_device_cannot_hold_is_declined(name: str, case: str, reason: str) -> None:
    answer = find(name).available(ConvCase.parse(case))
    assert not answer.available
    assert reason in answer.reason
    assert "\n" not in answer.reason


def test_a_missing_package_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "not_installed", lambda *_: "pyopencl is not installed: pip install it")
    answer = DIRECT.available(ConvCase.parse(MANY_GROUPS[0]))
    assert (answer.available, answer.reason) == (False, "pyopencl is not installed: pip install it")


@pytest.fixture
def forgotten_devices() -> Iterator[None]:
    """Have the devices looked for anew, before and after."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    device_module._platforms.cache_clear()
    device_module._found.cache_clear()


@NEEDS_OPENCL
def test_no_platform_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch, forgotten_devices: None) -> None:
    import pyopencl

    def none_found() -> Any:
        record = pyopencl._cl._ErrorRecord("", pyopencl.status_code.PLATFORM_NOT_FOUND_KHR, "clGetPlatformIDs")
        raise pyopencl.LogicError(record)

    monkeypatch.setattr(pyopencl, "get_platforms", none_found)
    answer = DIRECT.available(ConvCase.parse(MANY_GROUPS[0]))
    assert answer.reason == "no OpenCL platform: pip install 'convprof[opencl]', which brings PoCL"


@NEEDS_OPENCL
def test_another_kind_of_device_is_not_taken(monkeypatch: pytest.MonkeyPatch, forgotten_devices: None) -> None:
    import pyopencl

    platform = SimpleNamespace(name="Some GPUs", get_devices=lambda _kind: [])
    monkeypatch.setattr(pyopencl, "get_platforms", lambda: [platform])
    answer = DIRECT.available(ConvCase.parse(MANY_GROUPS[0]))
    assert answer.reason.startswith("no OpenCL device on a CPU, only those of Some GPUs: pip install")


@NEEDS_OPENCL
@pytest.mark.skipif(sys.platform != "linux", reason="processor time by thread is read as Linux tells it")
def test_pocl_computes_with_one_thread_where_one_is_asked_for() -> None:
    probe = """
from impls.opencl.device import device
print(device().max_compute_units)
"""
    environment = {"OMP_NUM_THREADS": "1", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", probe]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert answer.stdout == "1\n"
