"""The occupancy model: published examples, and NVIDIA's own calculator where the CUDA toolkit is installed."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from impls.cuda.occupancy import MULTIPROCESSORS, Multiprocessor, Occupancy, occupancy

# One line of standard input is: capability, threads, registers, shared bytes, and what a multiprocessor has.
CALCULATOR = r"""
#include <cstdio>
#include <cuda_occupancy.h>
int main()
{
    int major, minor, threads, registers, shared, warps, on_chip, reserved;
    while (scanf("%d %d %d %d %d %d %d %d", &major, &minor, &threads, &registers, &shared, &warps, &on_chip,
                 &reserved) == 8) {
        cudaOccDeviceProp device;
        device.computeMajor = major;
        device.computeMinor = minor;
        device.maxThreadsPerBlock = 1024;
        device.maxThreadsPerMultiprocessor = warps * 32;
        device.regsPerBlock = device.regsPerMultiprocessor = 65536;
        device.warpSize = 32;
        device.numSms = 1;
        device.sharedMemPerBlock = 48 * 1024;
        device.sharedMemPerMultiprocessor = on_chip;
        device.sharedMemPerBlockOptin = on_chip - reserved;
        device.reservedSharedMemPerBlock = reserved;
        cudaOccFuncAttributes kernel;
        kernel.maxThreadsPerBlock = 1024;
        kernel.numRegs = registers;
        kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
        cudaOccDeviceState state;
        cudaOccResult result;
        if (int error = cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads, shared)) {
            fprintf(stderr, "error %d: %d.%d %d %d %d\n", error, major, minor, threads, registers, shared);
            return 1;
        }
        printf("%d\n", result.activeBlocksPerMultiprocessor);
    }
}
"""


def test_the_examples_of_the_best_practices_guide() -> None:
    # CUDA C++ best practices guide, "Calculating Occupancy": 37 registers on compute capability 7.0 make 75 % of
    # blocks of 128 threads, of which 12 are active, and 63 % of blocks of 320, of which 4 are.
    assert occupancy((7, 0), 128, 37, 0) == Occupancy(blocks=12, warps=48, most_warps=64, limiter="registers")
    assert occupancy((7, 0), 320, 37, 0) == Occupancy(blocks=4, warps=40, most_warps=64, limiter="registers")
    full, most = occupancy((7, 0), 1024, 32, 0), occupancy((7, 0), 320, 37, 0)
    assert full is not None
    assert most is not None
    assert full.share == 1  # the same section: at 32 registers, all 2048 threads are active
    assert most.share == 0.625


def test_every_limit_is_named() -> None:
    assert occupancy((9, 0), 256, 32, 0) == Occupancy(8, 64, 64, "warps")
    assert occupancy((9, 0), 32, 32, 0) == Occupancy(32, 32, 64, "blocks")
    assert occupancy((9, 0), 256, 128, 0) == Occupancy(2, 16, 64, "registers")
    assert occupancy((9, 0), 256, 32, 48 * 1024) == Occupancy(4, 32, 64, "shared memory")
    assert occupancy((12, 0), 256, 32, 48 * 1024) == Occupancy(2, 16, 48, "shared memory")


def test_a_block_that_does_not_fit_is_not_active() -> None:
    assert occupancy((8, 0), 1024, 65, 0) == Occupancy(0, 0, 64, "registers")
    assert occupancy((8, 0), 32, 256, 0) == Occupancy(0, 0, 64, "registers")
    assert occupancy((8, 0), 1056, 32, 0) == Occupancy(0, 0, 64, "warps")
    assert occupancy((8, 6), 32, 32, 100 * 1024) == Occupancy(0, 0, 48, "shared memory")


def test_of_an_unknown_multiprocessor_nothing_is_said() -> None:
    assert occupancy((6, 2), 256, 32, 0) is None


def test_it_agrees_with_nvidias_calculator(tmp_path: Path) -> None:
    # Where its installer puts it, unless told otherwise.
    toolkit = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
    header = toolkit / "include" / "cuda_occupancy.h"
    if not header.is_file() or shutil.which("g++") is None:
        pytest.skip("NVIDIA's cuda_occupancy.h is not here: it comes with the CUDA toolkit, and needs g++")
    source, program = tmp_path / "calculator.cpp", tmp_path / "calculator"
    source.write_text(CALCULATOR)
    subprocess.run(["g++", "-w", f"-I{header.parent}", source, "-o", program], check=True)
    kernels = list(
        itertools.product(
            MULTIPROCESSORS.items(),
            (1, 32, 64, 96, 128, 160, 256, 320, 512, 736, 1024),
            (16, 31, 32, 33, 37, 40, 48, 64, 80, 81, 128, 129, 255),
            (0, 1, 1000, 8192, 10_000, 32_768, 49_152),
        )
    )
    asked = "".join(_line(*each) for each in kernels)
    done = subprocess.run([program], input=asked, text=True, capture_output=True, check=False)
    assert not done.stderr
    answers = done.stdout.split()
    ours = [occupancy(capability, *rest) for (capability, _), *rest in kernels]
    assert [answer.blocks for answer in ours if answer] == [int(blocks) for blocks in answers]


def _line(device: tuple[tuple[int, int], Multiprocessor], threads: int, registers: int, shared_bytes: int) -> str:
    (major, minor), room = device
    values = (major, minor, threads, registers, shared_bytes, room.warps, room.shared_bytes, room.reserved_bytes)
    return " ".join(map(str, values)) + "\n"
