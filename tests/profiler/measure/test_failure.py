"""What becomes of an exception in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.measure.failure import describe_exception


def _raised_in(path: Path, source: str) -> BaseException:
    path.write_text(source)
    try:
        exec(compile(source, str(path), "exec"), {})  # noqa: S102 - a reader's file, as it were
    except BaseException as error:  # noqa: BLE001 - whatever it raises is what is tested
        return error
    pytest.fail("nothing was raised")


def test_the_place_is_the_last_one_in_the_reader_s_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    error = _raised_in(path, "import json\n\njson.loads('{')\n")
    message = "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert describe_exception(error, str(path)) == f"{message} (mine.py:3)"
    assert describe_exception(error).startswith(f"{message} (decoder.py:")


def test_a_message_is_one_line_of_bearable_length(tmp_path: Path) -> None:
    error = _raised_in(tmp_path / "mine.py", "raise ValueError('one\\n  two ' + 400 * 'x')\n")
    text = describe_exception(error)
    assert text.startswith("ValueError: one two xxx")
    assert text.endswith("x ... (mine.py:1)")
    assert len(text) < 350


def test_an_exception_without_message_is_named(tmp_path: Path) -> None:
    assert describe_exception(_raised_in(tmp_path / "mine.py", "raise KeyboardInterrupt")) == (
        "KeyboardInterrupt (mine.py:1)"
    )


def test_a_syntax_error_is_where_it_stands() -> None:
    error = SyntaxError("invalid syntax", ("/folder/mine.py", 7, 1, "x y"))
    assert describe_exception(error) == "SyntaxError: invalid syntax (mine.py, line 7) (mine.py:7)"
