"""Torch's operators compiled by torch.compile: shifted adds fused into one loop, and F.conv2d as it is."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

from impls.case import ConvCase
from impls.compiled.compiler import cache_folder
from impls.contract import AVAILABLE, Availability, Call, Implementation
from impls.errors import BuildError
from impls.installed import needs_torch
from impls.taps import taps

__all__ = ["CONV2D", "SHIFT_ADD"]

# Each is an expression of its own in the compiled loop: 121 compile in 15 s, 225 in more than a minute.
_MOST_TERMS = 128
_REMEDY = "install g++ or set $CXX"


def _shift_add(case: ConvCase) -> Callable[[Any, Any, Any], Any]:
    """Give the shifted adds as one writes them, which the compiler unrolls: it knows every size."""
    from torch.nn import functional

    inputs, groups, output_shape = case.in_channels // case.groups, case.groups, case.output_shape
    widths = (case.padding_width, case.padding_width, case.padding_height, case.padding_height)
    height, width = case.height + 2 * case.padding_height, case.width + 2 * case.padding_width
    padded_shape = (case.batch, groups, 1, inputs, height, width)
    weight_shape = (groups, -1, inputs, case.kernel_height, case.kernel_width, 1, 1)
    parts = [(channel, *tap) for channel in range(inputs) for tap in taps(case)]

    def shift_add(image: Any, weight: Any, bias: Any) -> Any:
        padded = functional.pad(image, widths).view(padded_shape)
        factors = weight.view(weight_shape)
        total: Any = 0 if bias is None else bias.view(groups, -1, 1, 1)
        for channel, row, column, rows, columns in parts:
            total = total + padded[:, :, :, channel, rows, columns] * factors[:, :, channel, row, column]
        return total.view(output_shape)

    return shift_add


def _conv2d(case: ConvCase) -> Callable[[Any, Any, Any], Any]:
    from torch.nn import functional

    stride, padding = (case.stride_height, case.stride_width), (case.padding_height, case.padding_width)
    dilation, groups = (case.dilation_height, case.dilation_width), case.groups

    def conv2d(image: Any, weight: Any, bias: Any) -> Any:
        return functional.conv2d(image, weight, bias, stride, padding, dilation, groups)

    return conv2d


def _prepare_shift_add(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    return _compiled(_shift_add(case), image, weight, bias)


def _prepare_conv2d(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
    return _compiled(_conv2d(case), image, weight, bias)


def _compiled(function: Callable[[Any, Any, Any], Any], image: Any, weight: Any, bias: Any) -> Call:
    """Compile for these shapes by calling once, under the grad mode that calls run under; raises BuildError.

    What was compiled holds for one grad mode and one number of threads: another would be compiled anew in a call.
    """
    import torch

    _prefer("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "inductor"))
    _prefer("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no pool of threads that stays beside what is measured
    compiled = torch.compile(_with_own_code(function), fullgraph=True, dynamic=False)

    def call() -> Any:
        return compiled(image, weight, bias)

    try:
        with torch.inference_mode(), warnings.catch_warnings():
            # The compiler warns of deprecated parts of torch that it uses itself.
            warnings.simplefilter("ignore", DeprecationWarning)
            call()
    except (RuntimeError, OSError) as error:  # all errors of torch.compile are RuntimeErrors
        raise BuildError(f"torch.compile cannot compile this: {_said(error)}; {_REMEDY}") from error
    return call


def _with_own_code(function: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Copy a function and its code: torch.compile counts by code, and allows eight compilations of one."""
    assert isinstance(function, FunctionType)  # noqa: S101 - for the type checker: it is one of those above
    return FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def _prefer(variable: str, value: str) -> None:
    """Set what torch.compile reads from the environment, unless the user has."""
    os.environ.setdefault(variable, value)


def _said(error: Exception) -> str:
    """Give the line that tells most: the compiler's own error, else the first that does not announce another."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line] or [line for line in lines if not line.endswith(":")]
    return telling[0] if telling else type(error).__name__


def _compiler_available(case: ConvCase) -> Availability:
    """Ask for what torch.compile needs on a processor: a C++ compiler and Python's header files."""
    if not needs_torch(case).available:
        return needs_torch(case)
    chosen = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(shlex.split(chosen)[0]) is None:
        return Availability.no(f"torch.compile needs a C++ compiler, and there is no {chosen!r}: {_REMEDY}")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return Availability.no("torch.compile needs Python's header files: install python3-dev")
    return AVAILABLE


def _shift_add_available(case: ConvCase) -> Availability:
    if case.terms > _MOST_TERMS:
        return Availability.no(
            f"torch.compile would unroll {case.terms} products an output, and takes minutes beyond {_MOST_TERMS}; "
            "choose torch.shift_add"
        )
    return _compiler_available(case)


SHIFT_ADD = Implementation(
    name="torch.compile[shift_add]",
    family="manual",
    arrays="torch",
    summary="torch.compile of a shifted add for each tap and input channel, compiled beforehand for the case's shapes",
    prepare=_prepare_shift_add,
    available=_shift_add_available,
    primary=False,
    devices=("cpu", "cuda"),
)

CONV2D = Implementation(
    name="torch.compile[conv2d]",
    family="library",
    arrays="torch",
    summary="torch.compile of F.conv2d, compiled beforehand for the case's shapes",
    prepare=_prepare_conv2d,
    available=_compiler_available,
    primary=False,
    error_bound="library",
    devices=("cpu", "cuda"),
)
