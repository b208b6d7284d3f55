"""Ways from Python into a compiled function: what a call costs before it computes anything.

Each way takes the function `void f(const struct problem *, float *output)`, its problem and a maker of outputs, and
gives the call. The quickest is an extension module of our own, compiled when first needed where Python's headers are;
else ctypes, which is everywhere.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.util
import itertools
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.contract import AVAILABLE, Availability, Call
from impls.errors import BuildError

__all__ = ["QUICKEST", "WAYS", "Entry", "Outputs", "Way", "quickest"]

_SOURCE = Path(__file__).with_name("caller.c")
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Entry:
    """Hold a compiled function as ctypes sees it, and its problem, a structure that keeps alive what it points to."""

    function: Any
    problem: Any


@dataclass(frozen=True)
class Outputs:
    """Say where results go: `fresh` makes an array for every call, `kept` is one for all calls or None."""

    fresh: Callable[[], Any]
    kept: Any = None


@dataclass(frozen=True)
class Way:
    """Name a way into compiled code, and say whether it is open here."""

    name: str
    summary: str
    bind: Callable[[Entry, Outputs], Call]
    available: Callable[[], Availability]


def quickest() -> Way:
    """Give the first way that is open here; ctypes always is."""
    return next(way for way in QUICKEST if way.available().available)


def _through_extension(entry: Entry, outputs: Outputs) -> Call:
    function = ctypes.cast(entry.function, ctypes.c_void_p).value
    bound: Call = _extension().bind(function, ctypes.addressof(entry.problem), entry, outputs.kept)
    if outputs.kept is not None:
        return bound
    fresh = outputs.fresh

    def call() -> Any:
        return bound(fresh())  # type: ignore[call-arg]

    return call


@functools.cache
def _extension() -> ModuleType:
    """Compile and import the extension; raises BuildError."""
    headers = sysconfig.get_path("include")
    library = build(_SOURCE, ["-O2", f"-I{headers}"], [f'PYTHON="{sysconfig.get_config_var("SOABI")}"'])
    loader = importlib.machinery.ExtensionFileLoader("caller", str(library))
    spec = importlib.util.spec_from_file_location("caller", library, loader=loader)
    if spec is None:
        raise BuildError(f"{library} cannot be imported; remove it")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _extension_is_open() -> Availability:
    if find_compiler() is None:
        return Availability.no(missing_compiler())
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        return Availability.no("Python's headers are missing, so ctypes is used: install python3-dev")
    try:
        _extension()
    except (BuildError, ImportError) as error:
        return Availability.no(f"the extension module cannot be built, so ctypes is used ({error})")
    return AVAILABLE


def _through_ctypes(entry: Entry, outputs: Outputs) -> Call:
    function, address = entry.function, ctypes.addressof(entry.problem)
    function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_void_p), None

    def into(output: Any) -> Any:
        # The quickest way found to hand an array's memory to ctypes: half the time of `output.ctypes.data`.
        return (ctypes.c_char * output.nbytes).from_buffer(output)

    if outputs.kept is not None:
        kept, memory = outputs.kept, into(outputs.kept)

        def again(_entry: Entry = entry) -> Any:
            function(address, memory)
            return kept

        return again
    fresh = outputs.fresh
    memory_of = (ctypes.c_char * fresh().nbytes).from_buffer

    def call(_entry: Entry = entry) -> Any:  # the address alone keeps nothing alive
        output = fresh()
        function(address, memory_of(output))
        return output

    return call


def _through_cffi(entry: Entry, outputs: Outputs) -> Call:
    import cffi

    ffi = cffi.FFI()
    address = ctypes.cast(entry.function, ctypes.c_void_p).value
    function = ffi.cast("void (*)(void *, void *)", address)
    problem = ffi.cast("void *", ctypes.addressof(entry.problem))
    from_buffer, fresh, kept = ffi.from_buffer, outputs.fresh, outputs.kept

    def call(_entry: Entry = entry) -> Any:
        output = fresh() if kept is None else kept
        function(problem, from_buffer(output))
        return output

    return call


def _through_torch(entry: Entry, outputs: Outputs) -> Call:
    """Register an operator of torch's in Python; it is given the output, which it writes into."""
    import torch

    function, address = entry.function, ctypes.addressof(entry.problem)
    function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_void_p), None

    def compute(output: torch.Tensor) -> None:
        function(address, output.data_ptr())

    name = f"convprof::compiled_{next(_NUMBERS)}"  # torch forgets no operator: each needs a name of its own
    operator = torch.library.custom_op(name, compute, mutates_args=("output",), schema="(Tensor(a!) output) -> ()")
    fresh, kept = outputs.fresh, outputs.kept

    def call(_entry: Entry = entry) -> Any:
        output = fresh() if kept is None else kept
        operator(torch.from_numpy(output))
        return output

    return call


def _needs(package: str, extra: str) -> Callable[[], Availability]:
    def available() -> Availability:
        if find_spec(package) is None:
            return Availability.no(f"{package} is not installed: pip install {extra}")
        return AVAILABLE

    return available


EXTENSION = Way("extension", "a vectorcall of an extension module", _through_extension, _extension_is_open)
CTYPES = Way("ctypes", "ctypes, the standard library's", _through_ctypes, lambda: AVAILABLE)
CFFI = Way("cffi", "cffi, which checks no types here", _through_cffi, _needs("cffi", "cffi"))
OPERATOR = Way("custom_op", "an operator of torch's, registered in Python", _through_torch, _needs("torch", "torch"))
WAYS: tuple[Way, ...] = (EXTENSION, CTYPES, CFFI, OPERATOR)
QUICKEST: tuple[Way, ...] = (EXTENSION, CTYPES)
