"""What was built, seen with the tools that are here, and what is said where a tool does not allow it."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from impls.case import ConvCase
from impls.compiled import inspection
from impls.compiled.compiler import find_compiler, missing_compiler
from impls.compiled.inspection import inspect
from impls.compiled.sources import BOUNDS_TEST, CONSTANT_KERNEL, DIRECT

CASE = ConvCase.parse("ic1ih100oc1kh3ph1")

pytestmark = pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())
needs_objdump = pytest.mark.skipif(
    not any(map(shutil.which, inspection._DISASSEMBLERS)), reason="no objdump: install binutils"
)


@needs_objdump
def test_optimised_code_has_vectors_and_a_report_of_them() -> None:
    built = inspect(CONSTANT_KERNEL, "-O3", CASE)
    assert built.library.is_file()
    assert built.compiler == str(find_compiler())
    assert "KERNEL_WIDTH=3" in built.defines
    assert not built.remarks_reason
    places = {remark.place.partition(":")[0] for remark in built.remarks}
    assert "constant_kernel.c" in places
    assert all("vectori" in remark.text for remark in built.remarks)
    assert any(remark.line.startswith("for (ptrdiff_t x") for remark in built.remarks)
    assert built.loop is not None
    assert built.loop.count("vector") >= 3
    assert built.loop.registers


@needs_objdump
def test_unoptimised_code_has_neither_but_still_a_loop() -> None:
    built = inspect(DIRECT, "-O0", CASE)
    assert built.remarks == ()
    assert built.remarks_reason == "the compiler vectorised nothing with these flags; -O3 asks it to"
    assert built.loop is not None
    assert (built.loop.function, built.loop.count("vector")) == ("add_row", 0)
    assert built.loop.count("scalar") > 0


def _clang() -> str:
    """Give the command of a clang that is here, under its own name or as zig's; '' where there is none."""
    zig = f"{shlex.quote(sys.executable)} -m ziglang cc" if find_spec("ziglang") is not None else ""
    return shutil.which("clang") or zig


@pytest.mark.skipif(not _clang(), reason="no clang: install it, or pip install 'convprof[zig]'")
def test_clang_is_asked_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", _clang())
    built = inspect(CONSTANT_KERNEL, "-O3", CASE)
    assert any("vectorized loop" in remark.text for remark in built.remarks)


def test_looking_leaves_nothing_behind_but_the_library(cache_home: Path) -> None:
    built = inspect(BOUNDS_TEST, "-O1", CASE)
    folder = cache_home / "convprof"
    assert built.library.parent == folder
    assert all(path.suffix == ".so" for path in folder.iterdir())


def test_without_a_disassembler_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_DISASSEMBLERS", ("no-such-objdump",))
    built = inspect(DIRECT, "-O1", CASE)
    assert built.loop is None
    assert built.loop_reason == "there is no no-such-objdump on PATH: install binutils or LLVM"


def test_a_disassembler_that_fails_or_shows_nothing_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "objdump"
    monkeypatch.setattr(inspection, "_DISASSEMBLERS", (str(tool),))
    for body, reason in (("echo a; echo no such format; exit 1", "(no such format)"), ("exit 0", "shows no loop")):
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
        built = inspect(DIRECT, "-O1", CASE)
        assert built.loop is None
        assert reason in built.loop_reason
        assert "\n" not in built.loop_reason


def test_a_compiler_without_a_report_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = find_compiler()
    assert compiler is not None
    script = tmp_path / "plaincc"
    script.write_text(
        '#!/bin/sh\ncase "$*" in *-fopt-info*|*-Rpass*) exit 1;; esac\n' + " ".join(compiler.command) + ' "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    built = inspect(DIRECT, "-O3", CASE)
    assert built.remarks == ()
    assert built.remarks_reason.endswith("set $CC to gcc or clang")
