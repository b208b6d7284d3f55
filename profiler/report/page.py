"""Makes the one-file HTML page of a report from its Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping

from profiler.report.templating import environment

__all__ = ["html_page"]

_IMAGE = re.compile(r'<img src="plots/([^"/]+)" alt="([^"]*)"[^>]*>')
_LATER_HEAD = re.compile(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>", re.DOTALL)


def html_page(markdown: str, plots: Mapping[str, str]) -> str:
    """Render a report as a self-contained page; `plots` are SVG texts by file name, put in where the report shows them.

    HTML that stands in the Markdown is shown, not run.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    inlined = _IMAGE.sub(lambda image: _inline(image[1], image[2], plots), body)
    title = markdown.lstrip("*").partition("\n")[0]
    return (
        environment(escaping=True).get_template("page.html.j2").render(body=inlined, title=re.sub(r"[`*\\]", "", title))
    )


def _inline(name: str, label: str, plots: Mapping[str, str]) -> str:
    svg = plots.get(name)
    if svg is None:
        return f"<p>{label}: not drawn</p>"
    # Ids are unique within a file only; two plots on one page must not share them.
    prefix = re.sub(r"\W", "-", name)
    unique = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", _LATER_HEAD.sub("", svg))
    return f'<figure role="img" aria-label="{label}">{unique.strip()}</figure>'
