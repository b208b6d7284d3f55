"""Files that survive a kill at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys
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


_WRITING = (
    "import sys, time; from pathlib import Path\n"
    "from profiler.records import Notice; from profiler.store import RunDirectory\n"
    "journal = RunDirectory(Path(sys.argv[1])).journal()\n"
    "journal.append(Notice(code='one', text='1'))\n"
    "print('open', flush=True); time.sleep(600)"
)


def test_a_journal_has_one_writer_until_it_dies(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", _WRITING, str(run.path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with run.journal_path.open("ab") as half:  # what a second writer would take for the line of a killed one
            half.write(encode(TWO)[:-9])
        with pytest.raises(RunDirectoryError, match="is still being written by another convprof; wait for it or stop"):
            run.journal()
        assert run.journal_path.read_bytes() == encode(ONE) + encode(TWO)[:-9]
        other.send_signal(signal.SIGKILL)
        other.wait()
    with run.journal() as journal:
        journal.append(TWO)
    with run.journal():  # the phases of one process open it one after the other
        assert run.records() == [ONE, TWO]


def test_a_program_that_the_writer_starts_does_not_keep_the_journal(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with run.journal():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
    try:
        with run.journal() as journal:
            journal.append(ONE)
    finally:
        child.kill()
        child.wait()


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
