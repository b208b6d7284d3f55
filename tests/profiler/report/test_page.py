"""The page is one file, and runs nothing that a name holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from profiler.report.page import html_page
from profiler.store import RunDirectory


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "src" or (name == "href" and tag in ("link", "script")):
                self.sources.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)


def _seen(page: str) -> _Seen:
    seen = _Seen()
    seen.feed(page)
    return seen


def test_the_page_needs_no_other_file_and_runs_nothing(reported: RunDirectory) -> None:
    seen = _seen(reported.html_path.read_text())
    assert seen.sources == []
    assert seen.handlers == []
    assert not seen.tags & {"script", "b", "i", "iframe", "img"}
    assert {"svg", "table", "code", "h2"} <= seen.tags
    assert len(seen.ids) == len(set(seen.ids))


def test_references_inside_a_plot_still_hold(reported: RunDirectory) -> None:
    page = reported.html_path.read_text()
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert used
    assert used <= set(_seen(page).ids)


def test_the_title_is_the_verdict(reported: RunDirectory) -> None:
    title = re.search(r"<title>(.*?)</title>", reported.html_path.read_text())
    assert title is not None
    assert title[1].startswith(
        "Here, on ic1ih100oc1kh3ph1 with one thread, article.numpy_loop takes 1,420x the time of torch.conv2d"
    )


def test_html_in_markdown_is_shown() -> None:
    page = html_page("<script>alert(1)</script> and <img src=x onerror=y>\n", {})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<img" not in page


def test_a_plot_that_was_not_drawn_is_said_to_be_missing() -> None:
    assert "a ranking: not drawn" in html_page("![a ranking](plots/none.svg)\n", {})
