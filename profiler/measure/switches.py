"""Switches that need no knowledge of the implementation: they apply to the library and to a reader's own alike."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from impls.case import ConvCase
from impls.contract import Call, Implementation, Prepare, Switch, kind_of
from impls.contract import Device as DeviceKind

__all__ = ["ANY", "GRADIENTS", "AnySwitch", "environment_of", "switches_of"]

GRADIENTS = "autograd"  # switches of this cause exclude each other


@dataclass(frozen=True)
class AnySwitch:
    """Hold a switch of any implementation, and say to which it applies, and with how many threads."""

    switch: Switch
    applies: Callable[[Implementation, int], bool]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    import torch
    from threadpoolctl import threadpool_limits

    numba = sys.modules.get("numba")  # one that nothing has imported computes nothing here
    threads, of_numba = torch.get_num_threads(), numba.get_num_threads() if numba is not None else 1
    with threadpool_limits(1):
        torch.set_num_threads(1)
        if numba is not None:
            numba.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            if numba is not None:
                numba.set_num_threads(of_numba)


@contextlib.contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Set flush-to-zero for this thread; a processor without it leaves things as they are."""
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def _without_onednn() -> Iterator[None]:
    import torch

    # Not the context `flags`, which sets TF32 as well and warns on any build without Intel GPUs.
    (before, *_) = torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(before)  # type: ignore[no-untyped-call]


def _channels_last(prepare: Prepare) -> Prepare:
    def prepared(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
        import torch

        return prepare(case, image.contiguous(memory_format=torch.channels_last), weight, bias)

    return prepared


def _with_gradients(implementation: Implementation, _: int) -> bool:
    return implementation.grad_mode == "enabled"


def _on_tensors(implementation: Implementation, _: int) -> bool:
    return implementation.arrays == "torch"


def _always(_: Implementation, __: int) -> bool:
    return True


def _with_several_threads(_: Implementation, threads: int) -> bool:
    return threads > 1


# More than any block here, so that glibc keeps what is freed for the next call. Source: mallopt(3), GNU tunables.
_KEPT = 1 << 32
_RECYCLING = f"glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold={_KEPT}:glibc.malloc.top_pad={64 << 20}"

# Settings of the host's arithmetic, memory and threads: kernels of a device do not see them.
_HOST: tuple[DeviceKind, ...] = ("cpu",)

ANY: tuple[AnySwitch, ...] = (
    AnySwitch(Switch("no_grad", GRADIENTS, "called under torch.no_grad()", grad_mode="no_grad"), _with_gradients),
    AnySwitch(
        Switch("inference_mode", GRADIENTS, "called under torch.inference_mode()", grad_mode="inference"),
        _with_gradients,
    ),
    AnySwitch(
        Switch(
            "one_thread",
            "threads",
            "torch, BLAS and Numba told to use one thread",
            context=_one_thread,
            devices=_HOST,
        ),
        _with_several_threads,
    ),
    AnySwitch(
        Switch(
            "denormals_flushed",
            "arithmetic",
            "denormal numbers taken as 0",
            context=_denormals_flushed,
            devices=_HOST,
        ),
        _always,
    ),
    AnySwitch(
        Switch(
            "without_onednn",
            "traffic",
            "oneDNN switched off",
            context=_without_onednn,
            error_bound="transform",  # from batch 16 on torch may take NNPACK instead, which has Winograd tiles
            devices=_HOST,
        ),
        _on_tensors,
    ),
    AnySwitch(
        Switch("channels_last", "traffic", "the image handed over in channels_last", wrap=_channels_last), _on_tensors
    ),
    AnySwitch(
        Switch(
            "recycled_memory",
            "allocation",
            "glibc told to keep freed memory and to map none",
            environment={"GLIBC_TUNABLES": _RECYCLING},
            devices=_HOST,
        ),
        _always,
    ),
    AnySwitch(
        Switch(
            "passive_wait",
            "threads",
            "OpenMP's threads sleep instead of spinning",
            environment={"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"},
            devices=_HOST,
        ),
        _with_several_threads,
    ),
)


def switches_of(implementation: Implementation, case: ConvCase, threads: int, device: str = "cpu") -> dict[str, Switch]:
    """Give every switch that applies to an implementation, by name; its own stand for one of the same name."""
    own = [switch for switch in implementation.switches if switch.available(case).available]
    general = [each.switch for each in ANY if each.applies(implementation, threads)]
    kind = kind_of(device)
    return {switch.name: switch for switch in [*general, *own] if kind in switch.devices}


def environment_of(name: str) -> dict[str, str]:
    """Give the variables of a process in which a switch is thrown; none for '' and for any other name."""
    return {key: value for each in ANY if each.switch.name == name for key, value in each.switch.environment.items()}
