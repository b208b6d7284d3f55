"""Every way the driver can refuse, in one line with CUDA's name, what was attempted and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from impls.cuda.driver import Driver
from impls.errors import DeviceError

CUBIN = b"\x7fELF and more"

# Function to fail, code, what to call, and the whole message.
REFUSALS: list[tuple[str, int, Callable[[Driver], Any], str]] = [
    (
        "cuModuleLoadDataEx",
        200,
        lambda driver: driver.load(CUBIN, "a.cu for sm_90"),
        "load a.cu for sm_90: CUDA_ERROR_INVALID_IMAGE (ptxas fatal: a line of the assembler's); "
        "update the NVIDIA driver, or install a torch for the CUDA that it supports",
    ),
    (
        "cuModuleLoadDataEx",
        209,
        lambda driver: driver.load(CUBIN, "a.cu for sm_90"),
        "load a.cu for sm_90: CUDA_ERROR_NO_BINARY_FOR_GPU (ptxas fatal: a line of the assembler's); "
        "update the NVIDIA driver, or install a torch for the CUDA that it supports",
    ),
    (
        "cuModuleGetFunction",
        500,
        lambda driver: driver.function(1, "f"),
        "find the kernel f: CUDA_ERROR_NOT_FOUND (as the driver explains it); "
        "install convprof again: its source and its launches do not belong together",
    ),
    (
        "cuModuleGetGlobal_v2",
        500,
        lambda driver: driver.variable(1, "w"),
        "find the variable w: CUDA_ERROR_NOT_FOUND (as the driver explains it); "
        "install convprof again: its source and its launches do not belong together",
    ),
    (
        "cuMemcpyDtoDAsync_v2",
        1,
        lambda driver: driver.copy_on_device(1, 2, 36, 0),
        "copy 36 bytes on the device: CUDA_ERROR_INVALID_VALUE (as the driver explains it); "
        "choose a smaller case: a size is beyond what the device takes",
    ),
    (
        "cuFuncGetAttribute",
        400,
        lambda driver: driver.function_attribute(0x2000, "registers"),
        "give a kernel's registers: CUDA_ERROR_INVALID_HANDLE (as the driver explains it); "
        "make the tensors' device the current one, with torch.cuda.device",
    ),
    (
        "cuCtxGetDevice",
        999,
        lambda driver: driver.capability(),
        "give the current device: CUDA_ERROR_UNKNOWN (as the driver explains it); "
        "look it up under CUresult in the documentation of CUDA's driver",
    ),
    (
        "cuDeviceGetAttribute",
        12345,
        lambda driver: driver.capability(),
        "give the device's attribute 75: error 12345 (no message); "
        "look it up under CUresult in the documentation of CUDA's driver",
    ),
    (
        "cuCtxGetCurrent",
        2,
        lambda driver: driver.context(),
        "give the current context: CUDA_ERROR_OUT_OF_MEMORY (as the driver explains it); "
        "free memory of the device, or choose a smaller case",
    ),
]


@pytest.mark.parametrize(
    ("function", "code", "call", "message"), REFUSALS, ids=[f"{each[0]}-{each[1]}" for each in REFUSALS]
)
def test_a_refused_call_is_one_line(
    fake: Any, function: str, code: int, call: Callable[[Driver], Any], message: str
) -> None:
    fake.fail(function, code)
    with pytest.raises(DeviceError, match=f"^{re.escape(f'the CUDA driver cannot {message}')}$"):
        call(fake.driver)


def test_a_copy_that_fails_while_it_runs_is_told_when_it_is_waited_for(fake: Any) -> None:
    fake.fail("cuStreamSynchronize", 700)
    source = bytes(4)
    with pytest.raises(DeviceError, match=r"cannot copy 0 bytes .*: CUDA_ERROR_ILLEGAL_ADDRESS .*compute-sanitizer"):
        fake.driver.copy_on_device(id(source), id(source), 0, 5)
    assert fake.calls == ["cuMemcpyDtoDAsync 0 on stream 5", "cuStreamSynchronize 5"]


def test_without_a_driver_its_library_is_named() -> None:
    with pytest.raises(
        DeviceError, match=r"^there is no CUDA driver \(libcuda\.none: cannot open .*\); install NVIDIA's$"
    ):
        Driver("libcuda.none")


def test_without_a_device_it_cannot_initialise(fake: Any) -> None:
    fake.fail("cuInit", 100)
    with pytest.raises(DeviceError, match=r"cannot initialise: CUDA_ERROR_NO_DEVICE \(.*\); run on a machine with an"):
        Driver(fake.path)


def test_without_a_current_context_it_is_torch_that_makes_one(fake: Any) -> None:
    assert fake.driver.context() == 0xC0
    fake.no_context()
    with pytest.raises(DeviceError, match=r"^no CUDA context is current; make a tensor on the device before"):
        fake.driver.context()


def test_the_compute_capability_is_one_number(fake: Any) -> None:
    fake.capability(121)
    assert fake.driver.capability() == 121


def test_what_a_kernel_takes_is_asked_by_cudas_numbers(fake: Any) -> None:
    function = fake.driver.function(fake.driver.load(CUBIN, "a.cu"), "f")
    # CUfunction_attribute: MAX_THREADS_PER_BLOCK 0, SHARED_SIZE_BYTES 1, CONST_SIZE_BYTES 2, LOCAL_SIZE_BYTES 3,
    # NUM_REGS 4.
    expected = {
        "max_threads": 1000,
        "shared_bytes": 1001,
        "constant_bytes": 1002,
        "local_bytes": 1003,
        "registers": 1004,
    }
    assert {name: fake.driver.function_attribute(function, name) for name in expected} == expected


def test_ptx_is_loaded_up_to_its_end(fake: Any) -> None:
    fake.driver.load(b".version 8.0\0", "a.cu")
    assert fake.calls == ["cuModuleLoadDataEx ptx of 12 characters"]
