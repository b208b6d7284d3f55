"""Every argument of a launch, as the driver would read it, for the parameters that the compiled PTX has."""

from __future__ import annotations

import ctypes
import gc
import re
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from impls.case import ConvCase
from impls.contract import Implementation
from impls.cuda import launcher, resources
from impls.cuda.implementations import DIRECT, KERNEL_OF, REGISTER_BLOCKED, SHARED_MEMORY
from impls.cuda.kernels import SOURCE, Launch, launch_of
from impls.cuda.nvrtc import compile_source
from impls.cuda.nvrtc_library import Nvrtc
from impls.cuda.problem import Problem
from impls.cuda.resources import loaded_resources
from impls.data import as_given, make_data
from impls.errors import BuildError, DeviceError

IMPLEMENTATIONS = (DIRECT, SHARED_MEMORY, REGISTER_BLOCKED)
EVERY = pytest.mark.parametrize("implementation", IMPLEMENTATIONS, ids=lambda implementation: implementation.name)
CASES = (
    "ic1ih100oc1kh3ph1",
    "ic1ih7iw9oc1kh5kw1ph2pw0_bias",
    "g2mb2ic4ih9iw7oc6kh3kw2sh2sw1ph2pw1dh1dw0_bias",
    "ic1ih40oc1kh31",  # a kernel too large to unroll
    "ic64ih8oc64kh3ph1",  # too many weights for constant memory
)
LAUNCHES = [
    pytest.param(launch, id=f"{launch.kernel}-{case}")
    for case in CASES
    for kernel in KERNEL_OF.values()
    if isinstance(launch := launch_of(kernel, ConvCase.parse(case)), Launch)
]
POINTER = (8, 8)  # bytes, alignment

_PARAMETER = re.compile(
    r"\.param (?:\.u64(?: \.ptr(?: \.\w+)? \.align \d+)? \w+|\.align (?P<alignment>\d+) \.b8 \w+\[(?P<bytes>\d+)\])"
)


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_LOADED", {})
    launcher._module.cache_clear()


def _parameters(launch: Launch) -> list[tuple[int, int]]:
    """Give size and alignment of each parameter, from what NVRTC made of the source."""
    ptx = compile_source(SOURCE, "compute_80", [f"-D{define}" for define in launch.defines]).ptx
    found = re.search(rf"\.entry {launch.kernel}\(\n(.*?)\n\)", ptx, re.DOTALL)
    assert found is not None
    parameters = [_PARAMETER.fullmatch(line.strip().removesuffix(",")) for line in found[1].splitlines()]
    assert all(parameters), f"a parameter is of a kind that is not known here: {found[1]}"
    return [(int(each["bytes"]), int(each["alignment"])) if each["bytes"] else POINTER for each in parameters if each]


@pytest.mark.parametrize("launch", LAUNCHES)
def test_the_ptx_has_the_parameters_that_the_launcher_lays_out(nvrtc: Nvrtc, launch: Launch) -> None:
    assert len(launch.problem_bytes) == ctypes.sizeof(Problem)
    assert _parameters(launch) == [*[POINTER] * 4, (len(launch.problem_bytes), ctypes.alignment(Problem))]


def _prepared(implementation: Implementation, case: ConvCase) -> tuple[Callable[[], Any], tuple[Any, Any, Any]]:
    tensors = as_given(implementation, make_data(case, seed=5))
    return implementation.prepare(case, *tensors), tensors


def _expected(launch: Launch, tensors: tuple[Any, ...], output: Any) -> str:
    addresses = [0 if each is None else each.data_ptr() for each in (*tensors, output)]
    arguments = [*(address.to_bytes(8, "little") for address in addresses), launch.problem_bytes]
    sizes = "grid {} {} {} block {} {} {}".format(*launch.grid, *launch.block)
    shared = f"shared {launch.shared_bytes} stream 57bea"
    return f"cuLaunchKernel {launch.kernel} {sizes} {shared} {' '.join(each.hex() for each in arguments)}"


@pytest.mark.parametrize("launch", LAUNCHES)
def test_the_driver_reads_what_the_case_says(nvrtc: Nvrtc, fake_device: Any, launch: Launch, request: Any) -> None:
    case = ConvCase.parse(request.node.callspec.id.partition("-")[2])
    implementation = next(each for each in IMPLEMENTATIONS if KERNEL_OF[each.name] == launch.kernel)
    fake_device.parameters([size for size, _alignment in _parameters(launch)])
    call, tensors = _prepared(implementation, case)
    before = len(fake_device.calls)
    outputs = [call(), call()]
    assert fake_device.calls[before:] == [_expected(launch, tensors, output) for output in outputs]
    assert outputs[0].data_ptr() != outputs[1].data_ptr()
    for output in outputs:
        assert (tuple(output.shape), output.dtype) == (case.output_shape, torch.float32)


@EVERY
def test_preparing_loads_machine_code_for_the_device_once(
    nvrtc: Nvrtc, fake_device: Any, implementation: Implementation
) -> None:
    case = ConvCase.parse("ic1ih8oc1kh3ph1")
    _prepared(implementation, case)
    kernel = KERNEL_OF[implementation.name]
    loading = fake_device.calls
    assert loading[0] == "cuModuleLoadDataEx cubin"
    assert loading[-1] == f"cuModuleGetFunction {kernel} of 1001"
    _prepared(implementation, case)
    # Constant memory belongs to a module: a second weight takes a second one.
    again = implementation is REGISTER_BLOCKED
    assert [call.split()[0] for call in fake_device.calls].count("cuModuleLoadDataEx") == 1 + again


def test_each_context_has_its_modules(nvrtc: Nvrtc, fake_device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ConvCase.parse("ic1ih8oc1kh3ph1")
    _prepared(DIRECT, case)
    monkeypatch.setattr(fake_device.driver, "context", lambda: 0xC1)
    _prepared(DIRECT, case)
    assert fake_device.calls.count("cuModuleLoadDataEx cubin") == 2


def test_a_device_newer_than_nvrtc_gets_ptx(nvrtc: Nvrtc, fake_device: Any) -> None:
    fake_device.capability(999)
    _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1"))
    assert re.fullmatch(r"cuModuleLoadDataEx ptx of \d{4,} characters", fake_device.calls[0])
    (loaded,) = loaded_resources()
    assert (loaded.architecture, loaded.spill_bytes) == (f"compute_{max(nvrtc.capabilities)}", None)


def test_weights_are_in_constant_memory_before_the_first_launch(nvrtc: Nvrtc, fake_device: Any) -> None:
    _call, (_image, weight, _bias) = _prepared(REGISTER_BLOCKED, ConvCase.parse("ic1ih8oc1kh3ph1"))
    assert fake_device.calls == [
        "cuModuleLoadDataEx cubin",
        "cuModuleGetGlobal constant_weight of 1001",
        "cuMemcpyDtoDAsync 36 on stream 57bea",
        "cuStreamSynchronize 57bea",
        "cuModuleGetFunction convolution_register_blocked of 1001",
    ]
    assert np.array_equal(np.frombuffer(fake_device.constant_memory[:36], np.float32), weight.numpy().ravel())


def test_one_buffer_serves_all_calls_where_it_is_asked_for(nvrtc: Nvrtc, fake_device: Any) -> None:
    case = ConvCase.parse("ic1ih8oc1kh3ph1")
    (switch,) = DIRECT.switches
    assert switch.prepare is not None
    call = switch.prepare(case, *as_given(DIRECT, make_data(case, seed=5)))
    first = call()
    assert call() is first
    assert tuple(first.shape) == case.output_shape


def test_the_stream_is_asked_for_at_each_call(nvrtc: Nvrtc, fake_device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = iter([0xA, 0xB])
    monkeypatch.setattr(launcher, "stream_of", lambda _device: lambda: next(streams))
    call, _tensors = _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1"))
    call()
    call()
    assert [line.partition(" stream ")[2].strip() for line in fake_device.calls[-2:]] == ["a", "b"]


def test_the_call_keeps_its_tensors_and_nothing_outlives_it(nvrtc: Nvrtc, fake_device: Any) -> None:
    call, tensors = _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1_bias"))
    alive = [weakref.ref(each) for each in tensors]
    del tensors
    gc.collect()
    assert all(each() is not None for each in alive)
    call()
    del call
    gc.collect()
    assert all(each() is None for each in alive)


@pytest.mark.parametrize("offset", [0, 1])
def test_tensors_that_are_not_dense_or_aligned_are_copied_beforehand(
    nvrtc: Nvrtc, fake_device: Any, offset: int
) -> None:
    case = ConvCase.parse("ic1ih8oc1kh3ph1")
    launch = launch_of("convolution_register_blocked", case)
    assert isinstance(launch, Launch)
    assert launch.alignment == 16
    fake_device.parameters([8] * 4)
    storage = torch.empty(64 + 32)
    start = (-storage.data_ptr() % 64) // 4 + offset
    image = storage[start : start + 64].reshape(case.image_shape)
    call = REGISTER_BLOCKED.prepare(case, image, torch.ones(case.weight_shape), None)
    call()
    address = int.from_bytes(bytes.fromhex(fake_device.calls[-1].split()[14]), "little")
    assert address % 16 == 0
    assert (address == image.data_ptr()) == (offset == 0)


def test_resources_are_what_the_driver_says_and_the_spills_what_the_compiler_said(
    nvrtc: Nvrtc, fake_device: Any
) -> None:
    _prepared(SHARED_MEMORY, ConvCase.parse("ic1ih8oc1kh3ph1"))
    assert loaded_resources() == (
        resources.KernelResources(
            kernel="convolution_shared_memory",
            architecture="sm_80",
            registers=1004,
            shared_bytes=1001,
            constant_bytes=1002,
            local_bytes=1003,
            spill_bytes=0,
            max_threads=1000,
        ),
    )


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (1, r"CUDA_ERROR_INVALID_VALUE \(.*\); choose a smaller case"),
        (701, r"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES \(.*\); choose another implementation"),
        (400, r"CUDA_ERROR_INVALID_HANDLE \(.*\); make the tensors' device the current one"),
    ],
)
def test_a_launch_that_fails_says_what_was_launched(nvrtc: Nvrtc, fake_device: Any, code: int, complaint: str) -> None:
    call, _tensors = _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1"))
    fake_device.fail("cuLaunchKernel", code)
    with pytest.raises(
        DeviceError, match=rf"cannot launch convolution_direct with grid \(.*\) and block \(.*\): {complaint}"
    ):
        call()


@pytest.mark.parametrize(
    ("function", "code", "complaint"),
    [
        (
            "cuModuleLoadDataEx",
            218,
            r"cannot load convolution\.cu as NVRTC .* made it for sm_80: CUDA_ERROR_INVALID_PTX",
        ),
        ("cuModuleGetFunction", 500, "cannot find the kernel convolution_direct: CUDA_ERROR_NOT_FOUND"),
        ("cuFuncGetAttribute", 1, "cannot give a kernel's registers: CUDA_ERROR_INVALID_VALUE"),
        ("cuCtxGetCurrent", 100, "cannot give the current context: CUDA_ERROR_NO_DEVICE"),
    ],
)
def test_what_fails_while_preparing_is_told_then(
    nvrtc: Nvrtc, fake_device: Any, function: str, code: int, complaint: str
) -> None:
    fake_device.fail(function, code)
    with pytest.raises(DeviceError, match=complaint):
        _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1"))


@EVERY
def test_before_torch_has_made_a_context_nothing_is_loaded(
    nvrtc: Nvrtc, fake_device: Any, implementation: Implementation
) -> None:
    fake_device.no_context()
    with pytest.raises(DeviceError, match="no CUDA context is current"):
        _prepared(implementation, ConvCase.parse("ic1ih8oc1kh3ph1"))
    assert fake_device.calls == []


def test_without_nvrtc_preparing_says_what_to_install(fake_device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "find_nvrtc", lambda: None)
    with pytest.raises(BuildError, match="no NVRTC"):
        _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1"))


def test_a_case_that_a_kernel_does_not_take_is_not_launched(fake_device: Any) -> None:
    with pytest.raises(BuildError, match="compute in float32, and the case is of float64"):
        _prepared(DIRECT, ConvCase.parse("ic1ih8oc1kh3ph1_f64"))
    assert fake_device.calls == []
