"""What an implementation is: the contract between the catalog, the workers and a reader's own code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from impls.case import ConvCase

__all__ = ["AVAILABLE", "Arrays", "Availability", "Call", "Family", "GradMode", "Implementation", "Prepare", "Switch"]

Family = Literal["manual", "library"]
Arrays = Literal["torch", "numpy"]
GradMode = Literal["inference", "no_grad", "enabled"]

# Tensors and arrays meet here; torch is not imported by the contract, so their type is not named.
Call = Callable[[], Any]
Prepare = Callable[[ConvCase, Any, Any, Any], Call]


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

    `prepare` replaces the implementation's own; `grad_mode` replaces its grad mode. None keeps what it has.
    """

    name: str
    cause: str
    summary: str
    prepare: Prepare | None = None
    grad_mode: GradMode | None = None


@dataclass(frozen=True)
class Implementation:
    """Describe one way to compute a case.

    `prepare(case, image, weight, bias)` gets tensors or arrays as `arrays` says: image (N, C, H, W), weight
    (O, C/groups, kH, kW), bias (O,) or None, and returns `call`, whose output is (N, O, H', W'). What prepare does is
    outside the steady time. `grad_mode` is the torch mode its calls run under.
    """

    name: str
    family: Family
    arrays: Arrays
    summary: str
    prepare: Prepare
    available: Callable[[ConvCase], Availability] = lambda _case: AVAILABLE
    grad_mode: GradMode = "inference"
    switches: tuple[Switch, ...] = ()
