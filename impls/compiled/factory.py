"""Makes implementations from C sources, with the compiler's flags as part of their names."""

from __future__ import annotations

import ctypes
import functools
import platform
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from impls.case import ConvCase
from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.compiled.problem import REALS, Problem, problem_of
from impls.contract import AVAILABLE, Availability, Call, ErrorBound, Implementation
from impls.errors import BuildError
from impls.output import output_buffer

__all__ = ["DEFAULT_FLAGS", "Source", "compiled", "library_of"]

# The most a compiler does while it keeps the order of floating-point sums and uses no instruction beyond the platform's
# baseline, so that the result says something about other machines. gcc before 12 vectorises at -O3, not at -O2.
DEFAULT_FLAGS = "-O3"

_X86 = frozenset({"x86_64", "amd64", "i386", "i686", "x86"})


@dataclass(frozen=True)
class Source:
    """Describe one C source: NAME.c beside this file, which exports a function NAME(problem, output).

    `constants` are preprocessor definitions that a case decides ('KERNEL_WIDTH=3'), beside REAL, which all get;
    `handles` says which cases it is for, `error_bound` how it rounds (see impls/contract.py).
    """

    name: str
    summary: str
    constants: Callable[[ConvCase], tuple[str, ...]] = lambda _case: ()
    handles: Callable[[ConvCase], Availability] = lambda _case: AVAILABLE
    error_bound: ErrorBound = "direct"

    @property
    def path(self) -> Path:
        """Give the file."""
        return Path(__file__).with_name(f"{self.name}.c")

    def defines(self, case: ConvCase) -> tuple[str, ...]:
        """Give all preprocessor definitions it is compiled with for a case."""
        return (f"REAL={REALS[case.dtype]}", *self.constants(case))


def compiled(
    source: Source, flags: str = DEFAULT_FLAGS, *, name: str | None = None, primary: bool = False
) -> Implementation:
    """Make the implementation `c.NAME[FLAGS]`, compiled when first prepared; raises ValueError on a bad quote."""
    words = tuple(shlex.split(flags))
    return Implementation(
        name=name or f"c.{source.name}[{flags}]",
        family="manual",
        arrays="numpy",
        summary=f"C, {source.summary}, one thread, compiled with {flags or 'no flags'}",
        prepare=functools.partial(_prepare, source, words),
        available=functools.partial(_available, source, words),
        switches=(output_buffer(functools.partial(_prepare_reusing, source, words)),),
        primary=primary,
        error_bound=source.error_bound,
    )


def library_of(source: Source, flags: tuple[str, ...], case: ConvCase) -> Path:
    """Give the library that computes a case, compiled now or before; raises BuildError."""
    return build(source.path, flags, source.defines(case))


def _available(source: Source, flags: tuple[str, ...], case: ConvCase) -> Availability:
    if find_compiler() is None:
        return Availability.no(missing_compiler())
    foreign = [flag for flag in flags if flag.startswith("-mprefer-vector-width")]
    if foreign and platform.machine().lower() not in _X86:
        return Availability.no(f"{foreign[0]} is for x86, and this machine is {platform.machine()}; leave it out")
    return source.handles(case)


def _prepare(source: Source, flags: tuple[str, ...], case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    """Compile or find the library, and fill in the problem's sizes and addresses; raises BuildError."""
    function = _loaded(library_of(source, flags, case), source.name)
    problem = problem_of(case, image, weight, bias)
    shape, dtype = case.output_shape, np.dtype(case.dtype)
    # The quickest way found to hand a fresh array's memory to C: half the time of `output.ctypes.data`.
    memory_of = (ctypes.c_char * (case.outputs * case.item_bytes)).from_buffer

    def call() -> Any:
        output: Any = np.empty(shape, dtype)
        function(problem, memory_of(output))
        return output

    return call


def _prepare_reusing(
    source: Source, flags: tuple[str, ...], case: ConvCase, image: Any, weight: Any, bias: Any
) -> Call:
    """Do the same with one output for all calls."""
    function = _loaded(library_of(source, flags, case), source.name)
    problem = problem_of(case, image, weight, bias)
    output: Any = np.empty(case.output_shape, np.dtype(case.dtype))
    memory = (ctypes.c_char * (case.outputs * case.item_bytes)).from_buffer(output)

    def call() -> Any:
        function(problem, memory)
        return output

    return call


@functools.cache
def _loaded(library: Path, name: str) -> Any:
    try:
        function = getattr(ctypes.CDLL(str(library)), name)
    except (OSError, AttributeError) as error:
        raise BuildError(f"{library} cannot be loaded ({error}); remove it, or compile with other flags") from error
    function.argtypes = (ctypes.POINTER(Problem), ctypes.c_void_p)
    function.restype = None
    return function
