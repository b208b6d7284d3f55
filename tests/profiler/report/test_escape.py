"""Text from elsewhere stays text: no tag, no lost or added cell, no terminal escape."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from profiler.report.escape import code, named, plain, visible
from profiler.report.markdown_table import markdown_table

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
_OURS = {"table", "thead", "tbody", "tr", "th", "td", "code"}
hostile = st.text(alphabet=st.sampled_from(list("ab1 `|\\<>&;#*_[]()!~$-+=.:/\"'\n\t\x1b\u202e\u200bé")), max_size=30)
anything = st.text(max_size=40) | hostile


def _cells(rendered: str) -> list[list[str]]:
    return [
        re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        for row in re.findall(r"<tr>(.*?)</tr>", rendered, re.DOTALL)
    ]


def _text(cell: str) -> str:
    return html.unescape(re.sub(r"</?code>", "", cell))


@given(st.lists(st.tuples(anything, anything), min_size=1, max_size=4))
@example([("a|b", "`|`"), ("\\|", "\\"), ("<script>", "`<b>`"), ("``", "`a``b`"), ("&lt;", "![x](y)")])
def test_a_table_keeps_its_cells_and_shows_no_tag(rows: list[tuple[str, str]]) -> None:
    table = markdown_table(("name", "reason"), [(code(name), plain(reason)) for name, reason in rows], "lr")
    rendered = _MARKDOWN.render(table)
    assert [len(row) for row in _cells(rendered)] == [2] * (len(rows) + 1)
    assert set(re.findall(r"</?([a-zA-Z0-9]+)", rendered)) <= _OURS
    for (name, reason), shown in zip(rows, _cells(rendered)[1:], strict=True):
        assert _text(shown[0]).strip() == (visible(name, 200) or "(empty)")
        # The marks of a code span are not shown; all else is.
        assert _text(shown[1]).replace("`", "").strip() == visible(reason).replace("`", "").strip()


@given(anything)
def test_a_list_item_holds_its_text_and_nothing_else(text: str) -> None:
    rendered = _MARKDOWN.render(f"- {plain(text) or 'nothing'}\n- last\n")
    assert rendered.count("<li>") == 2
    assert set(re.findall(r"</?([a-zA-Z0-9]+)", rendered)) <= {"ul", "li", "code"}


@given(anything)
def test_nothing_that_is_not_seen_gets_through(text: str) -> None:
    shown = visible(text)
    assert "\n" not in shown
    assert all(character.isprintable() for character in shown)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("article.numpy_loop", "`article.numpy_loop`"),
        ("c.direct[-O3 -march=native]", "`c.direct[-O3 -march=native]`"),
        ("<b>", "`<b>`"),
        ("a|b", "a\\|b"),
        ("\x1b[31mred", "`␛[31mred`"),
        ("two\nlines", "`two lines`"),
        ("", "(empty)"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert code(name) == shown


def test_plain_text_reads_well_raw() -> None:
    text = "numpy_loop takes 2.5x (95 %: 2 to 3), see `--case a`; it's fine"
    assert plain(text) == text
    assert plain("_emphasis_ and *more*") == "\\_emphasis\\_ and \\*more\\*"
    assert plain("x" * 5000).endswith("…")
    assert len(plain("x" * 5000)) == 1500


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "c.direct[-O0] takes 2x of c.direct, see `--case a`",
            "`c.direct[-O0]` takes 2x of `c.direct`, see `--case a`",
        ),
        ("(c.direct)", "(`c.direct`)"),
        ("my.c.direct, c.directed, c.direct[-O9]", "my.c.direct, c.directed, c.direct\\[-O9]"),
        ("two\nlines are torn", "`two lines` are torn"),
        ("<b> | a|b", "\\<b> \\| a\\|b"),
    ],
)
def test_names_in_a_text_become_code(text: str, shown: str) -> None:
    assert named(text, {"c.direct", "c.direct[-O0]", "two\nlines", "a|b", ""}) == shown


@given(anything, st.lists(anything, max_size=3))
def test_a_text_with_names_keeps_its_cell(text: str, names: list[str]) -> None:
    cells = _cells(_MARKDOWN.render(markdown_table(("told",), [(f"so: {named(text, names)}",)], "l")))
    assert [len(row) for row in cells] == [1, 1]


def test_a_row_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        markdown_table(("one", "two"), [("only",)], "ll")


def test_columns_are_padded() -> None:
    assert markdown_table(("a", "value"), [("long name", "1"), ("b", "12")], "lr").splitlines() == [
        "| a         | value |",
        "| --------- | ----: |",
        "| long name |     1 |",
        "| b         |    12 |",
    ]
