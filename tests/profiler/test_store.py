"""Files that survive a kill at any moment."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.errors import RunDirectoryError
from profiler.records import Notice, encode
from profiler.store import RunDirectory, file_stem, write_atomically

ONE, TWO = Notice(code="one", text="1"), Notice(code="two", text="2")


def test_a_write_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    write_atomically(path, b"a longer first content")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_the_journal_gives_back_what_was_appended(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    assert run.records() == []
    with run.journal() as journal:
        journal.append(ONE)
        journal.append(TWO)
        assert run.records() == [ONE, TWO]


def test_a_line_cut_by_a_kill_is_passed_over_and_not_continued(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.journal_path.write_bytes(encode(ONE) + encode(TWO)[:-9])
    assert run.records() == [ONE]
    with run.journal() as journal:
        journal.append(TWO)
    assert run.records() == [ONE, TWO]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.journal_path.write_bytes(encode(ONE) + b'{"record":"unheard of"}\n' + encode(TWO))
    with pytest.raises(RunDirectoryError, match=r"journal\.jsonl, line 2 is damaged"):
        run.records()


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"no manifest\.json"):
        RunDirectory.open(tmp_path)


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        RunDirectory.open(tmp_path)


def test_a_frame_comes_back_as_it_was(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "seconds": [0.5, 1e-9]})
    path = tmp_path / "frame.parquet"
    RunDirectory(tmp_path).write_frame(frame, path)
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)


def test_a_plain_name_is_kept() -> None:
    assert file_stem("c.direct", "ic1ih8oc1kh3ph1") == "c.direct--ic1ih8oc1kh3ph1"


@given(st.text(max_size=200), st.text(max_size=200))
def test_stems_are_safe_and_differ(one: str, other: str) -> None:
    stem = file_stem(one)
    assert stem == file_stem(one)
    assert len(stem) <= 210
    assert not stem.startswith(".")
    assert "/" not in stem
    assert "\0" not in stem
    if one != other:
        assert stem != file_stem(other)
