"""What `list --asm` shows, as an object and as text, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from impls.compiled.compiler import find_compiler, missing_compiler
from impls.errors import BuildError, CaseNameError, UnknownImplementation
from profiler.assembly import assembly, assembly_text
from profiler.errors import UsageError

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())

BUILT: dict[str, Any] = {
    "implementation": "c.direct[-O3]",
    "case": "ic1ih8oc1kh3",
    "compiler": "gcc 12",
    "flags": "-O3",
    "defines": ["REAL=float"],
    "source": "direct.c",
    "library": "direct-1.so",
    "vectorised": [{"place": "direct.c:9", "remark": "loop vectorized", "line": "for (;;)"}],
    "vectorised_reason": "",
    "loop": {
        "function": "direct",
        "vector_arithmetic": 1,
        "scalar_arithmetic": 0,
        "registers": "AVX, 256 bits",
        "instructions": ["10: vfmadd213ps (%rsi),%ymm3,%ymm2", "16: jne 10 <direct>"],
    },
    "loop_reason": "",
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_text_holds_all_there_is() -> None:
    assert assembly_text(BUILT) == (
        "c.direct[-O3] on ic1ih8oc1kh3\n"
        "  compiler  gcc 12\n"
        "  flags     -O3 -DREAL=float\n"
        "  source    direct.c\n"
        "  library   direct-1.so\n"
        "\n"
        "vectorisation report\n"
        "  direct.c:9  loop vectorized  | for (;;)\n"
        "\n"
        "hot loop (the innermost one with the most products), in direct\n"
        "  1 floating-point operations on vectors and 0 on single elements in 2 instructions; "
        "widest registers: AVX, 256 bits\n"
        "  10: vfmadd213ps (%rsi),%ymm3,%ymm2\n"
        "  16: jne 10 <direct>"
    )


def test_what_a_tool_does_not_allow_is_one_line_in_its_place() -> None:
    reasons = {"vectorised_reason": "no report", "loop_reason": "no tool"}
    lacking = {**BUILT, "flags": "", "vectorised": [], "loop": None, **reasons}
    assert assembly_text(lacking).splitlines()[2:] == [
        "  flags     none -DREAL=float",
        "  source    direct.c",
        "  library   direct-1.so",
        "",
        "vectorisation report",
        "  no report",
        "",
        "hot loop",
        "  no tool",
    ]


@needs_compiler
def test_it_is_built_for_the_case_that_is_named() -> None:
    built = assembly("c.constant_kernel[-O1]", "ic1ih20oc1kh5kw4_f64")
    assert built["case"] == "ic1ih20oc1kh5kw4_f64"
    assert built["defines"][:2] == ["REAL=double", "KERNEL_WIDTH=4"]
    assert Path(built["library"]).is_file()
    assert bool(built["loop"]) != bool(built["loop_reason"])
    assert bool(built["vectorised"]) != bool(built["vectorised_reason"])


@needs_compiler
@pytest.mark.parametrize(
    ("name", "case", "error", "message"),
    [
        ("c.another", "article", UnknownImplementation, "no implementation is named 'c.another'"),
        ("torch.conv2d", "article", UsageError, r"not compiled from C here.*; name one of c\.bounds_test"),
        ("c.fast_fir", "article", UsageError, r"cannot be built for ic1ih100oc1kh3ph1: .*; see c\.constant_kernel"),
        ("c.direct", "big", CaseNameError, "'big'"),
        ("c.direct[-fno-such-flag]", "article", BuildError, "no-such-flag"),
    ],
)
def test_what_cannot_be_shown_is_refused(name: str, case: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        assembly(name, case)
