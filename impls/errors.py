"""Errors of the ground floor.

ImplementationError
├── CaseNameError          a case name or its numbers make no convolution
├── UnknownImplementation  no implementation has that name
├── UserFunctionError      a reader's file or function cannot be loaded
├── BuildError             a compiler failed on an implementation's source
└── DeviceError            a device's driver is missing, or refused a call
"""

from __future__ import annotations

__all__ = [
    "BuildError",
    "CaseNameError",
    "DeviceError",
    "ImplementationError",
    "UnknownImplementation",
    "UserFunctionError",
]


class ImplementationError(Exception):
    """Say what is wrong with a case or an implementation in one line: the fact, the value and the remedy."""


class CaseNameError(ImplementationError):
    """A case name cannot be parsed, or its numbers make no convolution."""


class UnknownImplementation(ImplementationError):  # noqa: N818 - reads as the fact it states
    """No implementation has the name that was asked for."""


class UserFunctionError(ImplementationError):
    """A reader's file or function cannot be loaded."""


class BuildError(ImplementationError):
    """A compiler failed, or took too long, on an implementation's source."""


class DeviceError(ImplementationError):
    """The driver of a device is missing, or it refused a call."""
