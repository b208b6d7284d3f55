"""How long the steps around a call may be silent before they count as hung, beyond what the user allows a call."""

from __future__ import annotations

from impls.compiled.compiler import COMPILE_LIMIT_S

__all__ = ["CHECKING_ALLOWANCE_S", "LOADING_ALLOWANCE_S", "PREPARING_ALLOWANCE_S"]

_COMPILER_STEPS = 2  # the object, then the library: each has the limit for itself
LOADING_ALLOWANCE_S = 20.0  # a reader's file may import more libraries
# A compiler that is too slow is to end with its own error, which names it and the remedy.
PREPARING_ALLOWANCE_S = 20.0 + _COMPILER_STEPS * COMPILE_LIMIT_S
CHECKING_ALLOWANCE_S = 60.0  # our own oracle
