"""What all pictures of the report share: their style, their size, and how they become SVG text."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from profiler.report.escape import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["GRID", "INK", "figure_of", "name_rows", "svg_of", "title"]

# Text stays text, so that it can be read aloud and searched; the salt makes ids, and so the file, the same each time.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "convprof",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "hatch.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # names may hold a $
}
INK, GRID = "#24292f", "#d8dee4"
_LONGEST_NAME = 42


@contextlib.contextmanager
def figure_of(rows: int, below: float = 0.0) -> Iterator[tuple[Figure, Axes]]:
    """Make a figure with room for some rows, without any global figure or backend."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A name may hold letters that the measuring font lacks; in the SVG they are text, which the reader's font has.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(8.6, 1.1 + below + 0.3 * rows), layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        axes.set_facecolor("white")
        yield figure, axes


def svg_of(figure: Figure) -> str:
    """Give a picture as SVG text."""
    buffer = io.StringIO()
    # Neither date nor version: the same data give the same file.
    figure.savefig(
        buffer, format="svg", facecolor="white", bbox_inches="tight", metadata={"Date": None, "Creator": None}
    )
    return buffer.getvalue()


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a picture from below, long names cut."""
    shown = [visible(name) for name in names]
    axes.set_yticks(
        range(len(shown)), [f"{name[:_LONGEST_NAME]}…" if len(name) > _LONGEST_NAME else name for name in shown]
    )
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def title(axes: Axes, text: str) -> None:
    """Write a picture's title above it."""
    axes.figure.text(0.01, 1.0, text, ha="left", va="bottom", color=INK, fontsize=10, fontweight="bold")
