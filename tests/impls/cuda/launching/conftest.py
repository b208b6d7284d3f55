"""What these tests share: a stand-in of the driver that writes its calls down, and NVRTC where there is one."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.cuda import launcher
from impls.cuda.driver import Driver
from impls.cuda.nvrtc_library import Nvrtc, find_nvrtc, missing_nvrtc

STREAM = 0x57BEA


class FakeDriver:
    """Tell the stand-in what to do, and read what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._library: Any = ctypes.CDLL(self.path)
        self._library.fake_log.restype = ctypes.c_char_p
        self._library.fake_constant_memory.restype = ctypes.c_void_p
        self._library.fake_reset()
        self.driver = Driver(self.path)

    def fail(self, function: str, code: int) -> None:
        """Fail every call of a function from now on."""
        self._library.fake_fail(function.encode(), code)

    def capability(self, capability: int) -> None:
        """Have a device of this compute capability; 80 is 8.0."""
        self._library.fake_capability(capability)

    def no_context(self) -> None:
        """Have no current context."""
        self._library.fake_no_context()

    def parameters(self, sizes: Sequence[int]) -> None:
        """Know the sizes of a kernel's parameters, as the driver does from the image."""
        self._library.fake_parameters(len(sizes), (ctypes.c_int * len(sizes))(*sizes))

    @property
    def constant_memory(self) -> bytes:
        """Give the bytes of the one `__constant__` variable."""
        return ctypes.string_at(self._library.fake_constant_memory(), 256)

    @property
    def calls(self) -> list[str]:
        """Give the calls in their order, with their arguments."""
        return self._library.fake_log().decode().splitlines()[1:]  # the first is cuInit's


@pytest.fixture
def fake() -> Iterator[FakeDriver]:
    if find_compiler() is None:
        pytest.skip(missing_compiler())
    made = FakeDriver(build(Path(__file__).with_name("fake_driver.c"), ["-O1", "-w"]))
    yield made
    made.fail("", 0)


@pytest.fixture
def fake_device(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """Let implementations find the stand-in as their driver; tensors are then on the CPU."""
    monkeypatch.setattr(launcher, "driver", lambda: fake.driver)
    monkeypatch.setattr(launcher, "stream_of", lambda _device: lambda: STREAM)
    return fake


@pytest.fixture
def nvrtc() -> Nvrtc:
    found = find_nvrtc()
    if found is None:
        pytest.skip(missing_nvrtc())
    return found


@pytest.fixture
def cuda_source(tmp_path: Path) -> Path:
    """Give a source whose kernel takes a stack, fixed shared memory, constants and a structure by value."""
    path = tmp_path / "answer.cu"
    path.write_text(
        "struct pair { int first, second; };\n"
        "#ifndef WEIGHTS\n#define WEIGHTS 100\n#endif\n"
        "__constant__ float weights[WEIGHTS];\n"
        'extern "C" __global__ void stacked(const float *x, float *y, struct pair p) {\n'
        "    __shared__ float tile[64];\n    float local[100];\n"
        "    for (int i = 0; i < 100; i++) local[i] = x[i];\n"
        "    tile[threadIdx.x % 64] = x[threadIdx.x];\n    __syncthreads();\n"
        "    y[threadIdx.x] = tile[63 - threadIdx.x % 64] * weights[p.first] + local[p.second];\n}\n"
        'extern "C" __global__ void plain(const float *x, float *y) { y[threadIdx.x] = x[threadIdx.x]; }\n'
    )
    return path
