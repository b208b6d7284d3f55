"""Progress without a terminal: a line for each step, not one a second."""

from __future__ import annotations

import io

from profiler.display import PlainProgress, display


def test_plain_progress_writes_at_most_one_line_in_five_seconds_and_always_the_last() -> None:
    stream = io.StringIO()
    times = iter([0.0, 1.0, 4.9, 5.0, 5.1])
    progress = PlainProgress(stream, clock=lambda: next(times))

    for share, doing in ((0.0, "a"), (0.1, "b"), (0.2, "c"), (0.3, "d"), (1.0, "done")):
        progress.at(share, doing)

    assert stream.getvalue().splitlines() == ["convprof:   0%  a", "convprof:  30%  d", "convprof: 100%  done"]


def test_a_stream_that_is_no_terminal_gets_plain_lines() -> None:
    stream = io.StringIO()
    with display(stream) as progress:
        progress.at(0.5, "half [bold]way[/bold]")
    assert stream.getvalue() == "convprof:  50%  half [bold]way[/bold]\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_takes_names_literally() -> None:
    stream = _Terminal()
    with display(stream) as progress:
        progress.at(0.25, "c.direct[-O3 -march=native]")
        progress.at(1.0, "done")
    assert "done" in stream.getvalue()
