"""Whether a peer's library is there to import, asked without importing it."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["not_installed"]


def not_installed(library: str, extra: str, *modules: str) -> str:
    """Say that a library is not installed and what installs it; '' where all its modules are there."""
    if all(find_spec(module) is not None for module in modules):
        return ""
    return f"{library} is not installed: pip install 'convprof[{extra}]'"
