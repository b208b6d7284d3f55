"""The CUDA source, compiled for GPUs: no kernel spills or has a stack, and registers leave room for two blocks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from impls.case import ConvCase
from impls.cuda.kernels import KERNELS, SOURCE, Kernel, Launch, defines_of, launch_of
from impls.cuda.nvrtc import Compiled, compile_source
from impls.cuda.nvrtc_library import find_nvrtc, missing_nvrtc
from impls.cuda.occupancy import occupancy
from impls.cuda.resources import KernelResources, compiled_resources

# What FEW_BLOCKS in the source leaves each thread of a block of 256.
MOST_REGISTERS = 128
CAPABILITIES = ((8, 0), (9, 0), (12, 0))
# Every size that unrolls, one and several channels, vectors and scalars, a row a thread and many; then what does not.
CASES = (
    "ic1ih100oc1kh3ph1",
    "ic1ih2000oc1kh3ph1",
    "mb8ic16ih101oc16kh3ph1_bias",
    "ic1ih2001oc1kh5ph2",
    "ic8ih1000oc8kh2sh2ph1",
    "mb4ic4ih200oc4kh5sh2",
    "ic2ih300oc2kh7ph3",
    "ic1ih2001oc1kh11ph5",
    "mb8ic16ih101oc8kh13",
)


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", CASES)
def test_no_kernel_spills(name: str, capability: tuple[int, int]) -> None:
    if find_nvrtc() is None:
        pytest.skip(missing_nvrtc())
    case = ConvCase.parse(name)
    _check(case, capability, compile_source(SOURCE, _architecture(capability), _options(case)))


@pytest.mark.parametrize("name", CASES[1:3])
def test_nor_does_one_that_the_toolkit_compiles(name: str, tmp_path: Path) -> None:
    if shutil.which("nvcc") is None:
        pytest.skip("no nvcc on this machine: it comes with the CUDA toolkit")
    case, capability = ConvCase.parse(name), (9, 0)
    options = [f"-arch={_architecture(capability)}", *_options(case), "-Xptxas=-v", "-cubin"]
    command = ["nvcc", *options, "-o", tmp_path / "kernels.cubin", SOURCE]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert "warning" not in said
    _check(case, capability, Compiled(SOURCE.name, _architecture(capability), tuple(options), "nvcc", b"", "", said))


def _architecture(capability: tuple[int, int]) -> str:
    return f"sm_{capability[0]}{capability[1]}"


def _options(case: ConvCase) -> list[str]:
    return [f"-D{define}" for define in defines_of(case)]


def _check(case: ConvCase, capability: tuple[int, int], compiled: Compiled) -> None:
    resources = compiled_resources(compiled)
    launches = {kernel: launch for kernel in KERNELS if isinstance(launch := launch_of(kernel, case), Launch)}
    assert {each.kernel for each in resources} == set(launches)
    for each in resources:
        assert (each.local_bytes, each.spill_bytes) == (0, 0), each
        assert each.registers <= MOST_REGISTERS, each
        assert _active_blocks(capability, launches[_kernel(each)], each) >= 2, each


def _kernel(resources: KernelResources) -> Kernel:
    return next(kernel for kernel in KERNELS if kernel == resources.kernel)


def _active_blocks(capability: tuple[int, int], launch: Launch, resources: KernelResources) -> int:
    shared_bytes = resources.shared_bytes + launch.shared_bytes
    found = occupancy(capability, launch.threads, resources.registers, shared_bytes)
    assert found is not None
    return found.blocks
