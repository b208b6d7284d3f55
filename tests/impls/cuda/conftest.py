"""What the tests of the CUDA source share: programs that run its kernels on the CPU, each built for many launches."""

from __future__ import annotations

import functools
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from impls.case import ConvCase
from impls.cuda.kernels import KERNELS, SOURCE, Launch
from impls.data import Data

HERE = Path(__file__).parent
# The members of `struct constants` in shim.h: what a program is told at run time.
RUN_TIME_CONSTANTS = (
    *("block_width", "block_height"),
    *("kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width"),
    *("register_block_threads", "thread_rows", "thread_channels", "padding_width"),
)
Order = Literal["ascending", "descending", "shuffled"]
ORDERS: tuple[Order, ...] = ("ascending", "descending", "shuffled")
SANITIZERS = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# Leaks are not looked for: a program ends after one launch, and the leak checker needs rights that containers refuse.
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0"}


class WrongOnGPU(Exception):  # noqa: N818 - reads as the fact it states
    """Say what a program found: a divergent barrier, a store out of bounds, what a sanitizer reports."""


@dataclass(frozen=True)
class Build:
    """Compile for the CPU; a `sanitized` build has AddressSanitizer and UndefinedBehaviorSanitizer."""

    folder: Path
    sanitized: bool

    def object(self, name: str, source: Path, *options: str) -> Path:
        """Compile one source."""
        made = self.folder / f"{name}.o"
        self._run(*options, "-c", source, "-o", made)
        return made

    def program(self, name: str, *objects: Path) -> Path:
        """Link a program."""
        made = self.folder / name
        self._run(*objects, "-o", made)
        return made

    def _run(self, *arguments: str | Path) -> None:
        # No warnings: the source is written for another compiler, whose pragmas this one does not know.
        flags = ["-std=c++17", "-O1", "-w", *(SANITIZERS if self.sanitized else ())]
        done = subprocess.run(["g++", *flags, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@dataclass
class Emulator:
    """Run launches of a CUDA source on the CPU, by programs that are built when they are first needed.

    A program takes the launches' constants at run time, so that few serve all; a sanitized one has them compiled in,
    as a GPU's has. `runner` is emulator.cpp, compiled.
    """

    source: Path
    build: Build
    runner: Path
    programs: dict[tuple[str, ...], Path] = field(default_factory=dict)
    stops: ClassVar = WrongOnGPU

    def run(self, launch: Launch, case: ConvCase, data: Data, order: Order = "ascending", seed: int = 0) -> Any:
        """Give the output of one launch; raises WrongOnGPU."""
        constants = dict(define.split("=") for define in launch.defines)
        tensors = (data.image, data.weight, *([] if data.bias is None else [data.bias]))
        described = struct.pack(
            f"{14 + len(RUN_TIME_CONSTANTS)}i",
            *(KERNELS.index(launch.kernel), *launch.grid, *launch.block),
            *(launch.shared_bytes, ORDERS.index(order), seed),
            *(data.image.size, data.weight.size, 0 if data.bias is None else data.bias.size, case.outputs),
            *(int(constants.get(name.upper(), 0)) for name in RUN_TIME_CONSTANTS),
        )
        problem = struct.pack("i", len(launch.problem_bytes)) + launch.problem_bytes
        given = b"".join([described, problem, *(tensor.tobytes() for tensor in tensors)])
        program = self._program(launch)
        environment = os.environ | SANITIZER_OPTIONS
        done = subprocess.run([program], input=given, capture_output=True, env=environment, check=False)
        said = done.stderr.decode()
        if done.returncode == 4:
            raise AssertionError(f"the emulator was given a wrong launch: {said}")
        if done.returncode:
            raise WrongOnGPU(said or f"it ended by {done.returncode}")
        return np.frombuffer(done.stdout, np.float32).reshape(case.output_shape)

    def _program(self, launch: Launch) -> Path:
        """Build the program for the launch's constants, or give it, if it is there."""
        constants = tuple(map(self._option, launch.defines))
        if constants not in self.programs:
            name = f"program-{len(self.programs)}"
            kernels = self.build.object(name, HERE / "kernels.cpp", *constants, f'-DSOURCE="{self.source}"')
            self.programs[constants] = self.build.program(name, kernels, self.runner)
        return self.programs[constants]

    def _option(self, define: str) -> str:
        """Turn a constant of the launch into one that the program is told at run time, where that goes."""
        name = define.partition("=")[0]
        at_run_time = name.lower() in RUN_TIME_CONSTANTS and not self.build.sanitized
        return f"-D{name}=given.{name.lower()}" if at_run_time else f"-D{define}"


@pytest.fixture(scope="session")
def new_emulator(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Emulator]:
    """Give a function that makes an emulator of the shipped source, or of a text in place of it."""
    if sys.platform != "linux":
        pytest.skip("the program that runs the CUDA source on the CPU needs ucontext and an ELF linker: run on Linux")
    if shutil.which("g++") is None:
        pytest.skip("no g++ on this machine, which the CUDA source is compiled with to run on the CPU")

    @functools.cache
    def runner(sanitized: bool) -> Path:
        build = Build(tmp_path_factory.mktemp("runner"), sanitized)
        return build.object("emulator", HERE / "emulator.cpp")

    def make(source: str | None = None, *, sanitized: bool = False) -> Emulator:
        build = Build(tmp_path_factory.mktemp("emulator"), sanitized)
        changed = build.folder / SOURCE.name
        if source is not None:
            changed.write_text(source)
        return Emulator(SOURCE if source is None else changed, build, runner(sanitized))

    return make


@pytest.fixture(scope="session")
def emulator(new_emulator: Callable[..., Emulator]) -> Emulator:
    """Give the emulator of the shipped source that all tests share."""
    return new_emulator()
