"""Names of compiled functions, short enough to read: without template arguments, parameters and namespaces of loops."""

from __future__ import annotations

import re

__all__ = ["short_symbol"]

_LONGEST = 60
_INNERMOST = re.compile(r"<[^<>]*>|\((?!anonymous)[^()]*\)|\{[^{}]*\}")
# A loop over elements is a template of the framework; what tells one from another is the kernel among its arguments.
_KERNEL = re.compile(r"(\w+_kernel)\w*\(")


def short_symbol(symbol: str) -> str:
    """Shorten a demangled C++ name; other names stay as they are up to 60 characters."""
    kernel = _KERNEL.search(symbol)
    if kernel is not None and "callback_fn" in symbol:
        return f"loop of {kernel[1]}"
    short = symbol
    while (simpler := _INNERMOST.sub("", short)) != short:
        short = simpler
    short = re.split(r"[<({]", short.replace("(anonymous namespace)::", ""))[0]
    short = re.sub(r"(::)+(operator\b.*|_FUN)?$|::(?=::)", "", short).strip(" :*&")
    return (short or symbol)[:_LONGEST]
