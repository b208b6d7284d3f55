"""Finds a C compiler, and builds shared libraries with it into a cache that processes share."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from impls.compiled.process import run_limited
from impls.errors import BuildError

__all__ = ["COMPILE_LIMIT_S", "Compiler", "build", "cache_folder", "find_compiler", "missing_compiler", "said_of"]

COMPILE_LIMIT_S = 60.0
_VERSION_LIMIT_S = 20.0
_REMEDY = "install gcc or `pip install convprof[zig]`"

_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)

# With these at the link, gcc before 13 adds start-up code that makes the whole process flush denormals to zero, so that
# loading one implementation would change every other. They act on the object all the same.
# https://gcc.gnu.org/bugzilla/show_bug.cgi?id=55522
_NOT_AT_LINK = frozenset({"-ffast-math", "-Ofast", "-funsafe-math-optimizations"})


@dataclass(frozen=True)
class Compiler:
    """Name a compiler that answers: the command that runs it, and the first line of what `--version` says."""

    command: tuple[str, ...]
    version: str

    def __str__(self) -> str:
        name = " ".join([Path(self.command[0]).name, *self.command[1:]])
        return self.version if self.version.startswith(name) else f"{name}: {self.version}"


def find_compiler() -> Compiler | None:
    """Give the compiler that `c.` implementations are built with: $CC where it is set, else the first that answers.

    The others are cc, gcc, clang and the zig extra, in this order. An unusable $CC is not passed over.
    """
    for command in _candidates():
        compiler = _asked(command)
        if compiler is not None:
            return compiler
    return None


def missing_compiler() -> str:
    """Say why `find_compiler` finds none, and the remedy."""
    chosen = os.environ.get("CC", "").strip()
    if chosen:
        return f"$CC is {chosen!r}, which does not run: correct it, or unset it and {_REMEDY}"
    return f"no C compiler: {_REMEDY}"


def build(source: Path, flags: Sequence[str], defines: Sequence[str] = (), *, limit_s: float = COMPILE_LIMIT_S) -> Path:
    """Give the shared library of a C source, compiled with these flags now or by any process before.

    `defines` are preprocessor definitions ('REAL=float'). Raises BuildError: no compiler, an error, or no end within
    `limit_s` seconds.
    """
    compiler = find_compiler()
    if compiler is None:
        raise BuildError(missing_compiler())
    options = [*flags, *(f"-D{define}" for define in defines)]
    folder = cache_folder()
    library = folder / f"{source.stem}-{_key(source, options, compiler)}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as workshop:
            made = _compiled(compiler, source, options, Path(workshop), limit_s)
            made.replace(library)  # atomic: another process sees all of the library or none of it
    return library


def said_of(source: Path, options: Sequence[str], *, limit_s: float = COMPILE_LIMIT_S) -> str | None:
    """Compile a source to a throw-away place, and give what the compiler said of it; None where it did not compile.

    Raises BuildError where there is no compiler.
    """
    compiler = find_compiler()
    if compiler is None:
        raise BuildError(missing_compiler())
    # zig keeps objects, and does not say again what it said when it made them.
    unseen = [f"-DUNSEEN_{secrets.token_hex(8)}"] if _is_zig(compiler) else []
    with tempfile.TemporaryDirectory(prefix="convprof-") as workshop:
        step = _to_object(compiler, source, [*options, *unseen], Path(workshop) / "compiled.o")
        code, said = run_limited([*compiler.command, *step], limit_s)
    return said if code == 0 else None


def cache_folder() -> Path:
    """Give the folder that compiled libraries are kept in, made; a temporary one where the user's is not writable."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says that a relative path here is invalid.
    # https://specifications.freedesktop.org/basedir-spec/latest/
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: no home directory can be determined
        folder = (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "convprof"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    return _temporary_folder()


@functools.cache
def _temporary_folder() -> Path:
    """Give this user's folder for all processes; where someone else may write to its name, a new one for this process.

    What lies in the folder is loaded and run, so it must be ours alone.
    """
    owner = os.getuid() if hasattr(os, "getuid") else 0
    shared = Path(tempfile.gettempdir()) / f"convprof-{owner}"
    with contextlib.suppress(OSError):
        shared.mkdir(mode=0o700, exist_ok=True)
        status = shared.lstat()
        if not shared.is_symlink() and status.st_uid == owner and not status.st_mode & 0o077:
            return shared
    return Path(tempfile.mkdtemp(prefix="convprof-"))


def _candidates() -> list[tuple[str, ...]]:
    chosen = os.environ.get("CC", "").strip()
    if chosen:
        try:
            return [tuple(shlex.split(chosen))]
        except ValueError:  # a quotation that does not end: nothing that could be run
            return []
    zig = [(sys.executable, "-m", "ziglang", "cc")] if find_spec("ziglang") is not None else []
    return [("cc",), ("gcc",), ("clang",), *zig]


def _asked(command: tuple[str, ...]) -> Compiler | None:
    path = shutil.which(command[0])
    return None if path is None else _versioned((path, *command[1:]))


@functools.cache
def _versioned(command: tuple[str, ...]) -> Compiler | None:
    """Ask a command for its version, once a process; None where it does not answer as a compiler does."""
    try:
        code, said = run_limited([*command, "--version"], _VERSION_LIMIT_S)
    except OSError:
        return None
    lines = said.strip().splitlines()
    return Compiler(command, lines[0].strip()) if code == 0 and lines else None


def _compiled(compiler: Compiler, source: Path, options: Sequence[str], workshop: Path, limit_s: float) -> Path:
    compiled, linked = workshop / "compiled.o", workshop / "linked.so"
    at_link = [option for option in options if option not in _NOT_AT_LINK]
    if _is_zig(compiler):
        at_link.append("-O2")  # else it compiles its support library again, for 20 s, at each level
    steps = (
        _to_object(compiler, source, options, compiled),
        ["-shared", *_zig_defaults(compiler, options), *at_link, str(compiled), "-o", str(linked)],
    )
    for step in steps:
        code, said = run_limited([*compiler.command, *step], limit_s)
        if code is None:
            raise BuildError(
                f"{_name(compiler)} did not compile {source.name} with {_shown(options)} within {limit_s:g} s; "
                "try other flags or another $CC"
            )
        if code:
            raise BuildError(
                f"{_name(compiler)} cannot compile {source.name} with {_shown(options)}: "
                f"{_first_error(said, source) or f'exit code {code}'}; correct the flags or set $CC"
            )
    return linked


def _to_object(compiler: Compiler, source: Path, options: Sequence[str], compiled: Path) -> list[str]:
    return ["-fPIC", *_zig_defaults(compiler, options), *options, "-c", str(source), "-o", str(compiled)]


def _zig_defaults(compiler: Compiler, options: Sequence[str]) -> list[str]:
    """Bring zig to what cc does: no traps for undefined behaviour, and no instructions of this processor unasked."""
    if not _is_zig(compiler):
        return []
    chosen = any(option.startswith(("-march", "-mcpu")) for option in options)
    return ["-fno-sanitize=all"] + ([] if chosen else ["-mcpu=baseline"])


def _is_zig(compiler: Compiler) -> bool:
    return "ziglang" in compiler.command


def _first_error(said: str, source: Path) -> str:
    lines = [line.strip() for line in said.replace(f"{source.parent}{os.sep}", "").splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")


def _name(compiler: Compiler) -> str:
    return " ".join([Path(compiler.command[0]).name, *compiler.command[1:]])


def _shown(options: Sequence[str]) -> str:
    return f"flags {shlex.join(options)!r}" if options else "no flags"


def _key(source: Path, options: Sequence[str], compiler: Compiler) -> str:
    """Hash all that decides what the library holds and whether this processor can run it (-march=native)."""
    recipe = Path(__file__).read_text()  # what is added to the flags here
    parts = [*_texts(source), recipe, shlex.join(options), shlex.join(compiler.command), compiler.version]
    parts.append(_processor())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _texts(source: Path) -> list[str]:
    """Read a source and all that it includes from beside itself, each once; conditions around them are not asked."""
    texts: dict[Path, str] = {}
    waiting = [source]
    while waiting:
        file = waiting.pop()
        if file in texts or not file.is_file():  # one found elsewhere (-I) comes with the system, or is an error
            continue
        texts[file] = file.read_text()
        waiting += [(file.parent / name).resolve() for name in _INCLUDE.findall(texts[file])]
    return [f"{file.name}\0{text}" for file, text in texts.items()]


@functools.cache
def _processor() -> str:
    described = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        for field in ("model name", "CPU part", "flags", "Features"):  # the x86 and the Arm words for the same
            described += [line for line in lines if line.startswith(field)][:1]
    return "\n".join(described)
