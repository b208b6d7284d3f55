"""How a long phase says what it is doing now."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Be told of progress; the command line draws it, tests and libraries ignore it."""

    def at(self, share: float, doing: str) -> None:
        """Say what share of the whole run (0 to 1) is done and, in a few words, what is being done now."""
        ...


class Silent:
    """Ignore progress."""

    def at(self, share: float, doing: str) -> None:
        """Do nothing."""
