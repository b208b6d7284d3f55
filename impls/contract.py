"""What an implementation is: the contract between the catalog, the workers and a reader's own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from impls.case import ConvCase
from impls.device_events import DeviceEventSource

__all__ = [
    "AVAILABLE",
    "Arrays",
    "Availability",
    "Call",
    "Device",
    "ErrorBound",
    "Family",
    "GradMode",
    "Implementation",
    "Prepare",
    "Switch",
    "kind_of",
]

Family = Literal["manual", "library"]
Arrays = Literal["torch", "numpy"]
GradMode = Literal["inference", "no_grad", "enabled"]
ErrorBound = Literal["direct", "transform", "tf32", "library"]
Device = Literal["cpu", "cuda"]

# Tensors and arrays meet here; torch is not imported by the contract, so their type is not named.
Call = Callable[[], Any]
Prepare = Callable[[ConvCase, Any, Any, Any], Call]


def kind_of(device: str) -> Device:
    """Give the kind of a device by torch's name for it; another accelerator counts as what is written for CUDA."""
    return "cpu" if device == "cpu" else "cuda"


@dataclass(frozen=True)
class Availability:
    """Say whether an implementation can run a case here, and if not why and what would remedy it."""

    available: bool
    reason: str = ""

    @classmethod
    def no(cls, reason: str) -> Availability:
        """Give the answer 'not available', with its reason."""
        return cls(available=False, reason=reason)


AVAILABLE = Availability(available=True)


@dataclass(frozen=True)
class Switch:
    """Name an output-preserving change that removes one cause: the same call, prepared another way.

    `prepare` replaces the implementation's own, `wrap` changes it, `grad_mode` replaces its grad mode, `context` is
    entered around calls, outside what is timed, and `environment` are variables of the process; `error_bound` is that
    of the switched call, where it may compute in another way. None keeps what the implementation has. `devices` are
    those on which it changes something and computes the same.
    """

    name: str
    cause: str
    summary: str
    prepare: Prepare | None = None
    wrap: Callable[[Prepare], Prepare] | None = None
    grad_mode: GradMode | None = None
    context: Callable[[], AbstractContextManager[Any]] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    error_bound: ErrorBound | None = None
    available: Callable[[ConvCase], Availability] = lambda _case: AVAILABLE
    devices: tuple[Device, ...] = ("cpu", "cuda")

    @property
    def composable(self) -> bool:
        """Say whether it can be thrown together with others; one that replaces `prepare` is an alternative."""
        return self.prepare is None


@dataclass(frozen=True)
class Implementation:
    """Describe one way to compute a case.

    `prepare(case, image, weight, bias)` gets tensors or arrays as `arrays` says: image (N, C, H, W), weight
    (O, C/groups, kH, kW), bias (O,) or None, and returns `call`, whose output is (N, O, H', W'). What prepare does is
    outside the steady time. `grad_mode` is the torch mode its calls run under. `primary` ones are in every run that
    names none; the others are measured when they are named. `error_bound` says how far rounding may take the output
    (see impls/reference.py): `direct` where it sums the products themselves, `transform` where it computes through
    sums of inputs (FFT, Winograd, fast FIR), `tf32` where it may also round inputs to TF32, and `library` where torch
    chooses: `direct` on the CPU, `tf32` on a CUDA device. `devices` are the kinds of device that prepare takes tensors
    of. `device_events` records what a device did that torch does not drive.
    """

    name: str
    family: Family
    arrays: Arrays
    summary: str
    prepare: Prepare
    available: Callable[[ConvCase], Availability] = lambda _case: AVAILABLE
    grad_mode: GradMode = "inference"
    switches: tuple[Switch, ...] = ()
    primary: bool = True
    error_bound: ErrorBound = "direct"
    devices: tuple[Device, ...] = ("cpu",)
    device_events: DeviceEventSource | None = None
