"""A second kind of device for torch without hardware: every operator is computed by another thread, in order, later.

torch loads it by itself when it is imported where this folder is on the path, as it loads the backends of other makers:
through the entry point in the group `torch.backends` beside this file. Its tensors hold no data of their own; what the
thread computes on the CPU hangs on their storage. An operator's output has its shape at once, from the same operator on
meta tensors, and its values when the thread has come to it; what reads values waits for the thread.

STANDIN_OPERATOR_S is a number of seconds that each operator takes longer, asleep.
"""

from __future__ import annotations

import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils._pytree import tree_map

NAME = "standin"
_ATEN = torch.ops.aten


class _Queue:
    """Do work in order in a thread of its own, which starts with the first: a process may fork before."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def put(self, work: Callable[[], object]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._work.put(work)

    def synchronize(self) -> None:
        done = threading.Event()
        self.put(done.set)
        done.wait()
        if self._error is not None:
            error, self._error = self._error, None
            raise RuntimeError("an operator failed on the device") from error

    def _run(self) -> None:
        with torch.inference_mode():
            while True:
                try:
                    self._work.get()()
                except (RuntimeError, TypeError) as error:
                    self._error = error


_QUEUE = _Queue()


class Event:
    """Mark a place in the queue, as `torch.cuda.Event` does."""

    def __init__(self, enable_timing: bool = False) -> None:  # noqa: ARG002 - as torch's
        self._reached = threading.Event()
        self._at = 0

    def record(self, stream: object = None) -> None:  # noqa: ARG002 - as torch's
        self._reached.clear()
        _QUEUE.put(self._reach)

    def _reach(self) -> None:
        self._at = time.perf_counter_ns()
        self._reached.set()

    def query(self) -> bool:
        return self._reached.is_set()

    def elapsed_time(self, end: Event) -> float:
        return (end._at - self._at) / 1e6


class DeviceModule:
    """Be `torch.standin`: the names that torch's own device modules share."""

    Event = Event

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Draw nothing on the device."""

    def synchronize(self, device: object = None) -> None:  # noqa: ARG002 - as torch's
        _QUEUE.synchronize()

    def get_device_properties(self, device: object = None) -> Any:  # noqa: ARG002 - as torch's
        return SimpleNamespace(name="stand-in", L2_cache_size=1 << 18)


class _Cell:
    """Hold what the thread computes for one tensor."""

    value: Any


def autoload() -> None:
    """Register the device; torch calls this at the end of its own import."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME, backend_module=DeviceModule())
    every = torch.library.Library("_", "IMPL")
    every.fallback(_launch, "PrivateUse1")
    convolution = torch.library.Library("aten", "IMPL")
    # torch's own stands before any fallback, and refuses.
    convolution.impl("convolution_overrideable", _convolution, "PrivateUse1")
    # torch's own would make these of strides, and those of a tensor here are not those of what the thread computes.
    for name in _VIEWS:
        convolution.impl(name, functools.partial(_launch, _overload(name)), "PrivateUse1")
    _KEPT.extend([every, convolution])


_VIEWS = ("select.int", "slice.Tensor", "transpose.int", "permute", "expand", "unsqueeze", "squeeze.dim", "diagonal")
_KEPT: list[object] = []  # a library that nothing holds takes its kernels with it


def _overload(name: str) -> Any:
    packet, _, overload = name.partition(".")
    return getattr(getattr(_ATEN, packet), overload or "default")


def _convolution(*arguments: Any) -> Any:
    return _launch(_ATEN.convolution.default, *arguments)


def _launch(operator: Any, *arguments: Any, **options: Any) -> Any:
    if operator is _ATEN._copy_from.default:
        return _copy(*arguments)
    if operator is _ATEN._local_scalar_dense.default:
        _QUEUE.synchronize()
        return operator(_cell(arguments[0]).value)
    options.pop("pin_memory", None)
    held, held_options = tree_map(_held, arguments), tree_map(_held, options)
    written = _written(operator, arguments, options)
    outputs = written or _outputs(operator, arguments, options)

    def compute() -> None:
        result = operator(*tree_map(_value, held), **tree_map(_value, held_options))
        if not written:
            for cell, value in zip(cells, result if isinstance(result, tuple | list) else [result], strict=True):
                cell.value = value
        time.sleep(float(os.environ.get("STANDIN_OPERATOR_S", "0")))

    cells = [_cell(output) for output in outputs]
    _QUEUE.put(compute)
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _written(operator: Any, arguments: Sequence[Any], options: dict[str, Any]) -> list[Any]:
    """List the arguments that an operator writes to, which it gives back."""
    given = dict(zip((each.name for each in operator._schema.arguments), arguments, strict=False)) | options
    writes = [each.name for each in operator._schema.arguments if each.alias_info and each.alias_info.is_write]
    return [given[name] for name in writes if name in given]


def _outputs(operator: Any, arguments: Sequence[Any], options: dict[str, Any]) -> list[Any]:
    shaped = operator(*tree_map(_shaped, arguments), **tree_map(_shaped, options))
    # What is only another view of a tensor is an inference tensor where that is one, whatever the mode.
    views = any(each.alias_info is not None for each in operator._schema.returns)
    inference = arguments[0].is_inference() if views and _is_here(arguments[0]) else torch.is_inference_mode_enabled()
    with torch.inference_mode(mode=inference):
        return [_empty(each) for each in (shaped if isinstance(shaped, tuple | list) else [shaped])]


def _empty(like: Any) -> Any:
    made = torch._C._acc.create_empty_tensor(list(like.shape), like.dtype)
    made.untyped_storage().cell = _Cell()
    return made


def _is_here(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == NAME


def _cell(tensor: Any) -> _Cell:
    cell: _Cell = tensor.untyped_storage().cell
    return cell


def _shaped(value: Any) -> Any:
    if _is_here(value):
        return torch.empty(value.shape, dtype=value.dtype, device="meta")
    return torch.device("meta") if isinstance(value, torch.device) else value


def _held(value: Any) -> Any:
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return _cell(value) if _is_here(value) else value


def _value(held: Any) -> Any:
    return held.value if isinstance(held, _Cell) else held


def _copy(source: Any, target: Any, non_blocking: bool = False) -> Any:
    if not _is_here(target):
        _QUEUE.synchronize()
        return target.copy_(_cell(source).value)
    given, place = (_cell(source) if _is_here(source) else source.clone()), _cell(target)
    _QUEUE.put(lambda: place.value.copy_(_value(given)))
    return target
