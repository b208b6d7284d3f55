"""Compiles CUDA C++ at run time with NVRTC, into the cache that C's libraries are kept in too."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from impls.compiled.compiler import cache_folder
from impls.cuda.nvrtc_library import Nvrtc, find_nvrtc, missing_nvrtc
from impls.errors import BuildError

__all__ = ["Compiled", "architecture_for", "compile_source"]

# The assembler reports registers, stack and spills of every kernel in the log.
# https://docs.nvidia.com/cuda/nvrtc/index.html#supported-compile-options
_ALWAYS = ("--ptxas-options=-v",)


@dataclass(frozen=True)
class Compiled:
    """Hold what NVRTC made of a source.

    `architecture` is what it was made for: of `sm_80` the `cubin` is machine code, of `compute_80` it is empty, and the
    driver compiles the PTX. `log` is all that compiler and assembler said, `compiler` the NVRTC and its version.
    """

    source: str
    architecture: str
    options: tuple[str, ...]
    compiler: str
    cubin: bytes
    ptx: str
    log: str

    @property
    def image(self) -> bytes:
        """Give what the driver loads: machine code where there is any, else the PTX as a C string."""
        return self.cubin or self.ptx.encode() + b"\0"


def architecture_for(capability: int, nvrtc: Nvrtc) -> str:
    """Give the architecture to compile for, for a device of a compute capability (80 is 8.0).

    It is machine code where this NVRTC knows the device, else the PTX of the newest that the device is not older than,
    which its driver compiles. Raises BuildError for a device older than all.
    """
    if capability in nvrtc.capabilities:
        return f"sm_{capability}"
    older = [known for known in nvrtc.capabilities if known < capability]
    if not older:
        raise BuildError(
            f"{nvrtc} compiles for compute capability {_dotted(min(nvrtc.capabilities))} and later, and the device has "
            f"{_dotted(capability)}; install a torch for an older CUDA"
        )
    return f"compute_{max(older)}"


def compile_source(source: Path, architecture: str, options: Sequence[str] = ()) -> Compiled:
    """Give what a CUDA source comes to for an architecture, compiled now or by any process before.

    Raises BuildError: no NVRTC, or an error in the source or the options; all that NVRTC said of it is a note there.
    """
    nvrtc = find_nvrtc()
    if nvrtc is None:
        raise BuildError(missing_nvrtc())
    text = source.read_text()
    kept = cache_folder() / f"{source.stem}-{_key(text, architecture, options, nvrtc)}.json"
    found = _read(kept)
    if found is None:
        found = _compile(nvrtc, source.name, text, architecture, options)
        _keep(kept, found)
    return found


def _dotted(capability: int) -> str:
    return f"{capability // 10}.{capability % 10}"


def _key(text: str, architecture: str, options: Sequence[str], nvrtc: Nvrtc) -> str:
    """Hash all that decides what is made; the library's size tells builds of one version apart."""
    size = Path(nvrtc.path).stat().st_size if Path(nvrtc.path).is_file() else 0
    recipe = Path(__file__).read_text()  # what is added to the options here
    parts = [text, recipe, architecture, shlex.join(options), str(nvrtc), str(size)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _read(kept: Path) -> Compiled | None:
    """Read what was kept; None where nothing was, or it is no longer whole."""
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Compiled)
    except (OSError, msgspec.DecodeError):
        return None


def _keep(kept: Path, compiled: Compiled) -> None:
    """Write it atomically; what cannot be kept, on a full disk for example, is compiled again next time."""
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=kept.parent, prefix="building-") as workshop:
        written = Path(workshop) / kept.name
        written.write_bytes(msgspec.json.encode(compiled))
        written.replace(kept)


def _compile(nvrtc: Nvrtc, name: str, text: str, architecture: str, options: Sequence[str]) -> Compiled:
    given = (f"--gpu-architecture={architecture}", *_ALWAYS, *options)
    with _program(nvrtc, name, text) as program:
        array = (ctypes.c_char_p * len(given))(*map(os.fsencode, given))
        code = nvrtc.library.nvrtcCompileProgram(program, len(given), array)
        log = _text(nvrtc, program, "ProgramLog").decode(errors="replace").strip()
        if code:
            raise _failure(nvrtc, name, given, code, log)
        return Compiled(
            source=name,
            architecture=architecture,
            options=given,
            compiler=str(nvrtc),
            cubin=_bytes(nvrtc, program, "CUBIN") if architecture.startswith("sm_") else b"",
            ptx=_text(nvrtc, program, "PTX").decode(),
            log=log,
        )


@contextlib.contextmanager
def _program(nvrtc: Nvrtc, name: str, text: str) -> Iterator[ctypes.c_void_p]:
    program = ctypes.c_void_p()
    code = nvrtc.library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), os.fsencode(name), 0, None, None)
    if code:
        raise _failure(nvrtc, name, (), code, "")
    try:
        yield program
    finally:
        nvrtc.library.nvrtcDestroyProgram(ctypes.byref(program))


def _bytes(nvrtc: Nvrtc, program: ctypes.c_void_p, what: str) -> bytes:
    """Ask for the size of a result, and then for the result."""
    size = ctypes.c_size_t()
    code = getattr(nvrtc.library, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    result = ctypes.create_string_buffer(size.value)
    code = code or getattr(nvrtc.library, f"nvrtcGet{what}")(program, result)
    if code:
        raise BuildError(f"{nvrtc} gives no {what}: {_error_name(nvrtc, code)}; install another version")
    return result.raw


def _text(nvrtc: Nvrtc, program: ctypes.c_void_p, what: str) -> bytes:
    return _bytes(nvrtc, program, what).rstrip(b"\0")


def _failure(nvrtc: Nvrtc, name: str, options: Sequence[str], code: int, log: str) -> BuildError:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    first = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "no message")
    error = BuildError(
        f"{nvrtc} cannot compile {name} with {shlex.join(options)!r}: {first} ({_error_name(nvrtc, code)}); "
        "correct the source or the options, or install another version of NVRTC"
    )
    if log:
        error.add_note(log)
    return error


def _error_name(nvrtc: Nvrtc, code: int) -> str:
    name: bytes = nvrtc.library.nvrtcGetErrorString(code)
    return name.decode()
