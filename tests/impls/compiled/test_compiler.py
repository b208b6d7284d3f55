"""Finding a compiler, building with it, and every way that fails."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled import compiler
from impls.compiled.compiler import build, cache_folder, find_compiler, missing_compiler, said_of
from impls.errors import BuildError

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "answer.c"
    path.write_text("#ifndef ANSWER\n#define ANSWER 42\n#endif\nint answer(void) { return ANSWER; }\n")
    return path


@pytest.fixture
def fake_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make $CC a script that gives a version and otherwise does what the body says."""

    def make(body: str) -> Path:
        script = tmp_path / "fakecc"
        script.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "fakecc 1.0"; exit 0; fi\n{body}\n')
        script.chmod(0o755)
        monkeypatch.setenv("CC", str(script))
        return script

    return make


def _answer(library: Path) -> int:
    return int(ctypes.CDLL(str(library)).answer())


@needs_compiler
def test_a_library_is_built_once_and_found_again(source: Path) -> None:
    first = build(source, ["-O1"])
    modified = first.stat().st_mtime_ns
    assert _answer(first) == 42
    assert build(source, ["-O1"]) == first
    assert first.stat().st_mtime_ns == modified
    assert list(cache_folder().iterdir()) == [first]


@needs_compiler
def test_flags_definitions_and_source_each_make_another_library(source: Path) -> None:
    libraries = {build(source, ["-O1"]), build(source, ["-O2"]), build(source, ["-O1"], ["ANSWER=7"])}
    source.write_text(source.read_text() + "/* changed */\n")
    libraries.add(build(source, ["-O1"]))
    assert sorted(map(_answer, libraries)) == [7, 42, 42, 42]


@needs_compiler
def test_what_a_source_includes_from_beside_it_is_part_of_it(tmp_path: Path, source: Path) -> None:
    (tmp_path / "parts").mkdir()
    number, unit = tmp_path / "parts" / "number.h", tmp_path / "parts" / "unit.h"
    source.write_text('#include <stddef.h>\n#  include "parts/number.h"\nint answer(void) { return NUMBER * UNIT; }\n')
    number.write_text('#include "unit.h"\n#include "../answer.c.not"\n#define NUMBER 6\n')
    (tmp_path / "answer.c.not").write_text('#ifndef UNIT\n#include "parts/number.h"\n#endif\n')  # a circle
    unit.write_text("#define UNIT 7\n")
    first = build(source, [])
    assert build(source, []) == first
    unit.write_text("#define UNIT 8\n")
    second = build(source, [])
    number.write_text(number.read_text().replace("6", "5"))
    third = build(source, [])
    assert [_answer(library) for library in (first, second, third)] == [42, 48, 40]


@needs_compiler
def test_what_a_compiler_says_is_given_and_nothing_kept(source: Path) -> None:
    assert said_of(source, ["-DANSWER=1/0", "-Wdiv-by-zero"]) != ""
    assert said_of(source, []) == ""
    assert said_of(source, ["-fno-such-flag-at-all"]) is None
    assert list(cache_folder().iterdir()) == []


@needs_compiler
def test_builders_at_the_same_time_agree_on_one_whole_library(source: Path) -> None:
    program = (
        "import sys, pathlib; from impls.compiled.compiler import build; print(build(pathlib.Path(sys.argv[1]), []))"
    )
    command = [sys.executable, "-c", program, str(source)]
    with ThreadPoolExecutor(3) as pool:
        runs = pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(3))
        names = {run.stdout.strip() for run in runs}
    assert len(names) == 1
    assert _answer(Path(names.pop())) == 42


@needs_compiler
def test_an_error_in_the_source_is_one_line_with_the_place(source: Path) -> None:
    source.write_text("int answer(void) { return undeclared; }\n")
    with pytest.raises(BuildError, match=r"cannot compile answer\.c with no flags: answer\.c:1.*undeclared") as caught:
        build(source, [])
    assert "\n" not in str(caught.value)
    assert list(cache_folder().iterdir()) == []


def test_a_compiler_that_hangs_is_ended_with_its_children(
    source: Path, tmp_path: Path, fake_compiler: Callable[[str], Path]
) -> None:
    fake_compiler(f"sleep 300 & echo $! > {tmp_path}/child\nwait")
    with pytest.raises(BuildError, match=r"fakecc did not compile answer\.c with flags '-O3' within 0\.5 s"):
        build(source, ["-O3"], limit_s=0.5)
    child = int((tmp_path / "child").read_text())
    assert not _runs(child)


def _runs(process: int) -> bool:
    """Say whether a process runs; one that ended but was not yet reaped by its parent does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_compiler_that_fails_without_a_word_gives_its_exit_code(
    source: Path, fake_compiler: Callable[[str], Path]
) -> None:
    fake_compiler("exit 3")
    with pytest.raises(BuildError, match=r"with no flags: exit code 3; correct the flags or set \$CC"):
        build(source, [])


def test_the_first_error_line_is_preferred_to_what_comes_before(
    source: Path, fake_compiler: Callable[[str], Path]
) -> None:
    fake_compiler("echo 'In file included from x'; echo 'x.h:1: error: no'; echo 'x.h:2: error: more'; exit 1")
    with pytest.raises(BuildError, match=r"no flags: x\.h:1: error: no; correct"):
        build(source, [])


def test_without_a_compiler_c_direct_says_what_to_install(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(compiler, "find_spec", lambda _name: None)
    answer = find("c.direct").available(ConvCase.parse("ih8kh3"))
    assert answer.reason == "no C compiler: install gcc or `pip install convprof[zig]`"
    with pytest.raises(BuildError, match="no C compiler"):
        build(source, [])
    with pytest.raises(BuildError, match="no C compiler"):
        said_of(source, [])


@pytest.mark.parametrize("chosen", ["no-such-compiler", "false", "cc '"])
def test_an_unusable_cc_is_named_and_not_passed_over(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", chosen)
    assert find_compiler() is None
    answer = find("c.direct").available(ConvCase.parse("ih8kh3"))
    assert answer.reason.startswith(f"$CC is {chosen!r}, which does not run: correct it, or unset it")


def test_cc_may_carry_arguments_and_is_shown_without_its_folder(fake_compiler: Callable[[str], Path]) -> None:
    script = fake_compiler("exit 0")
    found = find_compiler()
    assert found is not None
    assert found.command == (str(script),)
    assert str(found) == "fakecc 1.0"
    os.environ["CC"] = f"{script} --version"  # the fixture's monkeypatch restores the variable
    found = find_compiler()
    assert found is not None
    assert str(found) == "fakecc --version: fakecc 1.0"


def test_where_the_cache_cannot_be_written_a_private_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    compiler._temporary_folder.cache_clear()
    try:
        folder = cache_folder()
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        compiler._temporary_folder.cache_clear()
        assert cache_folder() == folder
        folder.chmod(0o777)  # as if someone else had made it
        compiler._temporary_folder.cache_clear()
        assert cache_folder() != folder
    finally:
        compiler._temporary_folder.cache_clear()
