"""The quickest way into compiled code: an extension module, built into the wheel or compiled here when first needed."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.compiled.way import Entry, Outputs, Way
from impls.contract import AVAILABLE, Availability, Call
from impls.errors import BuildError

__all__ = ["EXTENSION", "NAME", "build_extension", "extension_origin"]

NAME = "caller"
_SOURCE = Path(__file__).with_name(f"{NAME}.c")
_INSTEAD = "so ctypes is used"


def build_extension() -> Path:
    """Compile the extension for this Python, now or before, and give its file; raises BuildError.

    It asks for no instructions beyond the platform's baseline, so that it may be given to other machines.
    """
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        raise BuildError("Python's headers are missing: install python3-dev")
    return build(_SOURCE, ["-O2", f"-I{headers}"], [f'PYTHON="{sysconfig.get_config_var("SOABI")}"'])


def extension_origin() -> Literal["wheel", "compiled"]:
    """Say where the extension is from: it came with the wheel, or is compiled here."""
    return "wheel" if _shipped().is_file() else "compiled"


def _shipped() -> Path:
    """Give the place that a wheel has the extension in, where it has one."""
    return _SOURCE.with_name(f"{NAME}{sysconfig.get_config_var('EXT_SUFFIX')}")


@functools.cache
def _extension() -> ModuleType:
    """Import the extension; raises BuildError, and ImportError where it cannot be loaded."""
    library = _shipped() if extension_origin() == "wheel" else build_extension()
    loader = importlib.machinery.ExtensionFileLoader(NAME, str(library))
    spec = importlib.util.spec_from_file_location(NAME, library, loader=loader)
    if spec is None:
        raise BuildError(f"{library} cannot be imported; remove it")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _through_extension(entry: Entry, outputs: Outputs) -> Call:
    bind: Callable[..., Call] = _extension().bind
    bound = bind(*entry.addresses, entry, outputs.kept)
    if outputs.kept is not None:
        return bound
    fresh = outputs.fresh

    def call() -> Any:
        return bound(fresh())  # type: ignore[call-arg]

    return call


def _is_open() -> Availability:
    if extension_origin() == "compiled" and find_compiler() is None:
        return Availability.no(f"{missing_compiler()}, {_INSTEAD}")
    try:
        _extension()
    except (BuildError, ImportError) as error:
        return Availability.no(f"the extension module cannot be had, {_INSTEAD}: {error}")
    return AVAILABLE


EXTENSION = Way("extension", "a vectorcall of an extension module", _through_extension, _is_open)
