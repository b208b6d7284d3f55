"""Writes a run's report from its files alone."""

from __future__ import annotations

from profiler.report.markdown import report_markdown
from profiler.report.page import html_page
from profiler.report.plots import gaps_plot, ladder_plot, plot_name, ranking_plot
from profiler.report.view import RunView
from profiler.store import RunDirectory, write_atomically

__all__ = ["write_report"]


def write_report(run: RunDirectory) -> None:
    """Write report.md, report.html and plots/*.svg of a run, however far it came."""
    view = RunView(run)
    plots = _plots(view)
    for stale in run.plots.glob("*.svg") if run.plots.is_dir() else ():
        if stale.name not in plots:
            stale.unlink()
    for name, svg in plots.items():
        write_atomically(run.plots / name, svg.encode())
    markdown = report_markdown(view, frozenset(plots))
    write_atomically(run.report_path, markdown.encode())
    write_atomically(run.html_path, html_page(markdown, plots).encode())


def _plots(view: RunView) -> dict[str, str]:
    drawn = {plot_name("ranking", condition): ranking_plot(view, condition) for condition in view.conditions}
    drawn |= {plot_name("gaps", condition): gaps_plot(view, condition) for condition in view.first_conditions}
    drawn |= {plot_name("ladder", condition): ladder_plot(view, condition) for condition in view.first_conditions}
    return {name: svg for name, svg in drawn.items() if svg}
