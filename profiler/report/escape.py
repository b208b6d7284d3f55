"""Makes text from elsewhere safe in Markdown: names and reasons may hold HTML, Markdown, pipes, terminal escapes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["code", "inline", "named", "plain", "visible"]

_LONGEST_TEXT, _LONGEST_NAME = 1500, 200
# Format characters reorder or hide what stands around them; control characters drive a terminal.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# What starts a link, HTML, an entity, emphasis, a cell, struck text or (on code hosts) a formula. An underscore within
# a word does not, so names such as `numpy_loop` stay as they are.
_ACTIVE = re.compile(r"[\\`*\[<|~$]|&(?=[#A-Za-z])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LEADING = re.compile(r"^(?=[#+\-=>])|^(?P<number>\d+)(?=[.)](?:\s|$))")
# A code span that any table can hold.
_SPAN = re.compile(r"((?<!`)`(?! )[^`|\\]+(?<! )`(?!`))")


def visible(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Give text on one line, without characters that are not seen; what is longer is cut."""
    shown = " ".join("".join(_shown(character) for character in text).split())
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def plain(text: str) -> str:
    """Give text that Markdown and HTML show as it is, in a table's cell too; `code spans` in it stay."""
    return _LEADING.sub(_marked, inline(text))


def inline(text: str) -> str:
    """Give text as `plain` does, for a place that does not begin a line."""
    pieces = _SPAN.split(visible(text))
    # Every second piece is a code span: re.split gives what the group matched between what it did not.
    return "".join(piece if position % 2 else _escaped(piece) for position, piece in enumerate(pieces))


def code(text: str) -> str:
    """Give a name as a code span, or as plain text where a code span in a table could not hold it."""
    shown = visible(text, _LONGEST_NAME)
    if not shown:
        return "(empty)"
    return f"`{shown}`" if _SPAN.fullmatch(f"`{shown}`") else _LEADING.sub(_marked, _escaped(shown))


def named(text: str, names: Iterable[str]) -> str:
    """Give a text of ours, for a place that does not begin a line; the names it holds become code spans."""
    known = sorted(filter(None, names), key=len, reverse=True)
    if not known:
        return inline(text)
    # A name ends where no flags follow, so that `c.direct[-O0]` is not taken for `c.direct`.
    pattern = rf"(`[^`]*`|(?<![\w.])(?:{'|'.join(map(re.escape, known))})(?![\w\[]))"
    return "".join(code(piece) if piece in known else _kept(piece) for piece in re.split(pattern, text))


def _kept(piece: str) -> str:
    """Escape a piece of a text, the blanks at its ends kept."""
    if not piece.strip():
        return " " if piece else ""
    before, after = " " * piece[0].isspace(), " " * piece[-1].isspace()
    return f"{before}{inline(piece)}{after}"


def _escaped(text: str) -> str:
    return _ACTIVE.sub(r"\\\g<0>", text)


def _marked(found: re.Match[str]) -> str:
    return f"{found['number'] or ''}\\"


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character) not in _HIDDEN:
        return character
    # U+2400 and on are the pictures of the control characters.
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\N{REPLACEMENT CHARACTER}"
