"""Ways into compiled code through torch's dispatcher: an operator registered in Python, and one written in C."""

from __future__ import annotations

import ctypes
import functools
import itertools
from pathlib import Path
from typing import Any

from impls.compiled.compiler import build, find_compiler, missing_compiler
from impls.compiled.way import Entry, Outputs, Way, needs
from impls.contract import Availability, Call
from impls.errors import BuildError

__all__ = ["CUSTOM_OP", "TORCH_OPERATOR"]

_SOURCE = Path(__file__).with_name("torch_operator.c")
_NUMBERS = itertools.count()
_torch_is_there = needs("torch", "torch")


def _through_custom_op(entry: Entry, outputs: Outputs) -> Call:
    """Register an operator in Python; it is given the output, which it writes into."""
    import torch

    address, problem = entry.addresses
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address)

    def compute(output: torch.Tensor) -> None:
        function(problem, output.data_ptr())

    name = f"convprof::compiled_{next(_NUMBERS)}"  # torch forgets no operator: each needs a name of its own
    operator = torch.library.custom_op(name, compute, mutates_args=("output",), schema="(Tensor(a!) output) -> ()")
    fresh, kept = outputs.fresh, outputs.kept

    def call(_entry: Entry = entry) -> Any:
        output = fresh() if kept is None else kept
        operator(torch.from_numpy(output))
        return output

    return call


def _through_torch_operator(entry: Entry, outputs: Outputs) -> Call:
    import torch

    function, problem = entry.addresses
    operator, from_numpy, fresh, kept = _operator(), torch.from_numpy, outputs.fresh, outputs.kept

    def call(_entry: Entry = entry) -> Any:
        output = fresh() if kept is None else kept
        operator(from_numpy(output), function, problem)
        return output

    return call


@functools.cache
def _operator() -> Any:
    """Compile and register the operator in C, once a process; raises BuildError."""
    import torch  # its libraries must be loaded before ours, which looks for their functions

    libraries = Path(torch.__file__).with_name("lib")
    # Named before the object that needs it, the library would be left out where linkers do so by default.
    path = build(_SOURCE, ["-O2", f"-L{libraries}", "-Wl,--no-as-needed", "-ltorch_cpu"])
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise BuildError(f"{path} cannot be loaded ({error}); pip install --upgrade torch") from error
    if library.register_operator():
        raise BuildError(f"torch {torch.__version__} does not register an operator in C; pip install --upgrade torch")
    return torch.ops.convprof.compiled.default


def _torch_operator_is_open() -> Availability:
    """Answer without importing torch; where it cannot be built, preparing says why."""
    return Availability.no(missing_compiler()) if find_compiler() is None else _torch_is_there()


CUSTOM_OP = Way("custom_op", "an operator of torch's, registered in Python", _through_custom_op, _torch_is_there)
TORCH_OPERATOR = Way(
    "torch_operator", "an operator of torch's, written in C", _through_torch_operator, _torch_operator_is_open
)
