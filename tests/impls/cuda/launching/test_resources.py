"""Registers, stack, spills, shared and constant bytes: from the logs of several years, and of what is installed."""

from __future__ import annotations

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from impls.case import ConvCase
from impls.cuda import resources
from impls.cuda.kernels import SOURCE, defines_of
from impls.cuda.nvrtc import Compiled, compile_source
from impls.cuda.nvrtc_library import Nvrtc
from impls.cuda.resources import KernelResources, compiled_resources, loaded_resources, remember

# What NVRTC 11.8, 12.1 and 13.0 said of two kernels, the lines as they were.
LOG_11_8 = """\
ptxas info    : 0 bytes gmem, 400 bytes cmem[3]
ptxas info    : Compiling entry function 'k2' for 'sm_80'
ptxas info    : Function properties for k2
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, 368 bytes cmem[0]
ptxas info    : Compiling entry function 'k' for 'sm_80'
ptxas info    : Function properties for k
ptxas         .     400 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 32 registers, 256 bytes smem, 376 bytes cmem[0]"""
LOG_13_0 = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'k2' for 'sm_120'
ptxas info    : Function properties for k2
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 14 registers, used 1 barriers
ptxas info    : Compile time = 2.466 ms
ptxas info    : Compiling entry function 'k' for 'sm_120'
ptxas info    : Function properties for k
ptxas         .     8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 39 registers, used 1 barriers, 8 bytes cumulative stack size, 256 bytes smem
ptxas info    : Compile time = 12.001 ms"""
CASES = (
    "ic1ih100oc1kh3ph1",
    "g2mb2ic4ih9iw7oc6kh3kw2sh2sw1ph2pw1dh1dw0_bias",
    "ic1ih100oc1kh31",
)


def _said(log: str, cubin: bytes = b"") -> Compiled:
    return Compiled("k.cu", "sm_80", (), "NVRTC", cubin, "", log)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            LOG_11_8,
            (KernelResources("k", "sm_80", 32, 256, 0, 400, 32), KernelResources("k2", "sm_80", 12, 0, 0, 0, 0)),
        ),
        (LOG_13_0, (KernelResources("k", "sm_120", 39, 256, 0, 8, 8), KernelResources("k2", "sm_120", 14, 0, 0, 0, 0))),
        ("", ()),
    ],
)
def test_the_assemblers_log_is_read(log: str, expected: tuple[KernelResources, ...]) -> None:
    assert compiled_resources(_said(log)) == expected


def test_a_log_that_tells_no_registers_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="says nothing of k2's registers"):
        compiled_resources(_said(LOG_11_8.replace("Used 12 registers", "Used some registers")))


def test_stack_shared_memory_and_constants_of_a_kernel_that_has_all(nvrtc: Nvrtc, cuda_source: Path) -> None:
    plain, stacked = compiled_resources(compile_source(cuda_source, "sm_80", ["-DWEIGHTS=60"]))
    assert (plain.kernel, plain.shared_bytes, plain.local_bytes, plain.spill_bytes) == ("plain", 0, 0, 0)
    assert (stacked.kernel, stacked.shared_bytes, stacked.local_bytes) == ("stacked", 256, 400)
    assert plain.constant_bytes == stacked.constant_bytes == 240
    assert stacked.registers > plain.registers > 0
    assert compiled_resources(compile_source(cuda_source, "compute_80")) == ()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_120"])
def test_cuobjdump_reads_the_same_from_the_machine_code(
    nvrtc: Nvrtc, case: str, architecture: str, tmp_path: Path
) -> None:
    if int(architecture.removeprefix("sm_")) not in nvrtc.capabilities:
        pytest.skip(f"{nvrtc} does not compile for {architecture}")
    made = compile_source(SOURCE, architecture, [f"-D{define}" for define in defines_of(ConvCase.parse(case))])
    told = {each.kernel: each for each in compiled_resources(made)}
    read = _cuobjdump(made.cubin, tmp_path)
    assert set(told) == set(read)
    assert set(told) >= {"convolution_direct", "convolution_shared_memory"}
    for kernel, (registers, stack, shared, constants) in read.items():
        each = told[kernel]
        # From compute capability 9.0 on the system keeps 1 KiB of each block's shared memory; cuobjdump counts it in.
        assert shared - each.shared_bytes in {0, 1024}
        assert (each.registers, each.local_bytes, each.constant_bytes) == (registers, stack, constants)


def _cuobjdump(cubin: bytes, folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Read registers, stack, shared and constant bytes of each kernel with NVIDIA's own tool."""
    spec = find_spec("nvidia")
    tools = [tool for place in spec.submodule_search_locations or () for tool in Path(place).glob("*/bin/cuobjdump")]
    if not tools:
        pytest.skip("cuobjdump is not installed: pip install nvidia-cuda-cuobjdump")
    (folder / "kernels.cubin").write_bytes(cubin)
    command = [str(tools[0]), "--dump-resource-usage", str(folder / "kernels.cubin")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    constants = re.search(r"CONSTANT\[3\]:(\d+)", text)
    entries = re.findall(r"Function (\w+):\s+REG:(\d+) STACK:(\d+) SHARED:(\d+)", text)
    of_module = int(constants[1]) if constants else 0
    return {kernel: (*map(int, (registers, stack, shared)), of_module) for kernel, registers, stack, shared in entries}


def test_what_a_process_loaded_is_remembered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_LOADED", {})
    first, second = KernelResources("k", "sm_80", 32, 0, 0, 0), KernelResources("k", "sm_80", 40, 0, 0, 0)
    for each in (first, second, first):
        remember(each)
    assert loaded_resources() == (first, second)
