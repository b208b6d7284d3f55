"""Shows what a compiler made of a C source: its vectorisation report, and the hot loop's instructions."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impls.case import ConvCase
from impls.compiled.compiler import find_compiler, missing_compiler, said_of
from impls.compiled.disassembly import Loop, functions_in, hot_loop
from impls.compiled.factory import Source, library_of
from impls.compiled.process import run_limited
from impls.errors import BuildError

__all__ = ["Inspection", "Remark", "inspect"]

# How each compiler is asked which loops it vectorised; one refuses what only the other knows.
# https://gcc.gnu.org/onlinedocs/gcc/Developer-Options.html#index-fopt-info
# https://llvm.org/docs/Vectorizers.html#diagnostics
_ASK_GCC = ("-fopt-info-vec-optimized",)
_ASK_CLANG = ("-Rpass=loop-vectorize|slp-vectorizer",)  # of several, only the last counts
_REMARK = re.compile(r"(.+?):(\d+):(\d+): (?:optimized|remark): +(.+)")

_DISASSEMBLERS = ("objdump", "llvm-objdump")
_DISASSEMBLY_LIMIT_S = 60.0


@dataclass(frozen=True)
class Remark:
    """Hold what the compiler says of one place in the source, and the line that stands there."""

    place: str
    text: str
    line: str


@dataclass(frozen=True)
class Inspection:
    """Hold what was built; where a tool does not allow an answer, its `..._reason` is one line with the remedy."""

    compiler: str
    flags: str
    defines: tuple[str, ...]
    source: Path
    library: Path
    remarks: tuple[Remark, ...]
    remarks_reason: str
    loop: Loop | None
    loop_reason: str


def inspect(source: Source, flags: str, case: ConvCase) -> Inspection:
    """Build a source for a case, or find what was built, and look at it; raises BuildError, ValueError (bad quote)."""
    words, defines = tuple(shlex.split(flags)), source.defines(case)
    library = library_of(source, words, case)
    compiler = find_compiler()
    if compiler is None:
        raise BuildError(missing_compiler())
    options = [*words, *(f"-D{define}" for define in defines)]
    remarks, remarks_reason = _remarks(source.path, options, clang_first="clang" in compiler.version)
    loop, loop_reason = _loop(library)
    return Inspection(str(compiler), flags, defines, source.path, library, remarks, remarks_reason, loop, loop_reason)


def _remarks(source: Path, options: Sequence[str], *, clang_first: bool) -> tuple[tuple[Remark, ...], str]:
    for ask in (_ASK_CLANG, _ASK_GCC) if clang_first else (_ASK_GCC, _ASK_CLANG):
        said = said_of(source, [*options, *ask])
        if said is not None:
            found = tuple(dict.fromkeys(map(_remark, _REMARK.findall(said))))
            return found, "" if found else "the compiler vectorised nothing with these flags; -O3 asks it to"
    return (), "the compiler knows neither gcc's nor clang's option for a report; set $CC to gcc or clang"


def _remark(found: tuple[str, str, str, str]) -> Remark:
    file, line, _column, text = found
    path, number = Path(file), int(line)
    lines = path.read_text().splitlines() if path.is_file() else []
    return Remark(f"{path.name}:{line}", text, lines[number - 1].strip() if number <= len(lines) else "")


def _loop(library: Path) -> tuple[Loop | None, str]:
    tool = next(filter(None, map(shutil.which, _DISASSEMBLERS)), None)
    if tool is None:
        return None, f"there is no {' or '.join(_DISASSEMBLERS)} on PATH: install binutils or LLVM"
    code, said = run_limited([tool, "-d", "--no-show-raw-insn", str(library)], _DISASSEMBLY_LIMIT_S)
    if code != 0:
        last = (said.strip().splitlines() or ["no message"])[-1]
        return None, f"{tool} cannot read {library} ({last}); install another version of binutils"
    loop = hot_loop(functions_in(said))
    if loop is None:
        return None, f"{tool} shows no loop with floating-point arithmetic in {library}; look at its whole output"
    return loop, ""
