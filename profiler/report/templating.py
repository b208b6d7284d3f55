"""The templates of the report."""

from __future__ import annotations

import jinja2

__all__ = ["environment"]


def environment(*, escaping: bool) -> jinja2.Environment:
    """Open the templates; a name that a template uses and nobody gave is an error.

    Markdown goes without Jinja's escaping, which is HTML's; `report.escape` has made it safe before.
    """
    return jinja2.Environment(
        loader=jinja2.PackageLoader("profiler.report"),
        autoescape=escaping,  # noqa: S701 - see above
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
