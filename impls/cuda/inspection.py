"""Shows what NVRTC made of a kernel: its resources on several architectures, its PTX and its machine code (SASS)."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from impls.compiled.process import run_limited
from impls.cuda.device import cuda_device
from impls.cuda.nvrtc import Compiled, architecture_for, compile_source
from impls.cuda.nvrtc_library import Nvrtc, find_nvrtc, missing_nvrtc
from impls.cuda.resources import KernelResources, compiled_resources
from impls.errors import BuildError

__all__ = ["KernelInspection", "inspect_kernel"]

# A100, H100 and the consumer Blackwell: what is shown where no device decides.
_CAPABILITIES = (80, 90, 120)
_DISASSEMBLER = "nvdisasm"
_DISASSEMBLY_LIMIT_S = 60.0

_PTX_ENTRY = re.compile(r"^\.visible \.entry (\w+)\(.*?^\}", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"\.text\.(\w+):")
_LABEL = re.compile(r"\.L_\w+:")
_INSTRUCTION = re.compile(r"\s*/\*([0-9a-f]+)\*/\s+([^;]+);")
_OPCODE = re.compile(r"(?:@!?U?P\w+ +)?([A-Z][A-Z0-9]*)((?:\.\w+)*)")
_WIDTHS = (".64", ".128")


@dataclass(frozen=True)
class KernelInspection:
    """Hold what was made of a kernel: `ptx` and `sass` are its lines for `architecture`, which is the device's if any.

    `resources` has an entry for each architecture it was made for. `opcodes` counts the machine's instructions, loads
    and stores by their width in bits where that is over 32. Where there is no SASS, `sass_reason` is one line with the
    remedy.
    """

    compiler: str
    architecture: str
    options: tuple[str, ...]
    resources: tuple[KernelResources, ...]
    ptx: tuple[str, ...]
    sass: tuple[str, ...]
    sass_reason: str
    opcodes: dict[str, int]


def inspect_kernel(source: Path, kernel: str, defines: Sequence[str]) -> KernelInspection:
    """Compile a source, or find what was compiled, and look at one of its kernels; raises BuildError. Takes no GPU."""
    capability = _capability_here()  # first, since it imports torch, whose CUDA version decides on the NVRTC
    nvrtc = find_nvrtc()
    if nvrtc is None:
        raise BuildError(missing_nvrtc())
    options = [f"-D{define}" for define in defines]
    made = [compile_source(source, architecture, options) for architecture in _architectures(nvrtc, capability)]
    shown = made[0]
    sass, sass_reason = _sass(shown, kernel)
    return KernelInspection(
        compiler=shown.compiler,
        architecture=shown.architecture,
        options=shown.options,
        resources=tuple(each for one in made for each in compiled_resources(one) if each.kernel == kernel),
        ptx=_ptx(shown.ptx, kernel),
        sass=sass,
        sass_reason=sass_reason,
        opcodes=_counted(sass),
    )


def _architectures(nvrtc: Nvrtc, capability: int | None) -> list[str]:
    """Choose the architectures to show, the device's first."""
    here = [] if capability is None else [architecture_for(capability, nvrtc)]
    known = [f"sm_{each}" for each in _CAPABILITIES if each in nvrtc.capabilities]
    return list(dict.fromkeys([*here, *known])) or [f"sm_{max(nvrtc.capabilities)}"]


def _capability_here() -> int | None:
    """Give the compute capability of the device that is there, if any; 80 is 8.0."""
    if not cuda_device().available:
        return None
    import torch

    major, minor = torch.cuda.get_device_capability()
    return 10 * major + minor


def _ptx(text: str, kernel: str) -> tuple[str, ...]:
    found = next((entry[0] for entry in _PTX_ENTRY.finditer(text) if entry[1] == kernel), "")
    return tuple(line.expandtabs(4) for line in found.splitlines() if line.strip())


def _sass(compiled: Compiled, kernel: str) -> tuple[tuple[str, ...], str]:
    if not compiled.cubin:
        return (
            (),
            f"{compiled.compiler} does not know this device, whose driver compiles the PTX; install a newer torch",
        )
    tool = _disassembler()
    if tool is None:
        return (), f"there is no {_DISASSEMBLER}: pip install nvidia-cuda-{_DISASSEMBLER}, or the CUDA toolkit"
    with tempfile.TemporaryDirectory(prefix="convprof-") as workshop:
        cubin = Path(workshop) / "kernels.cubin"
        cubin.write_bytes(compiled.cubin)
        code, said = run_limited([tool, "--print-code", str(cubin)], _DISASSEMBLY_LIMIT_S)
    if code != 0:
        last = (said.strip().splitlines() or ["no message"])[-1]
        return (), f"{tool} cannot read what {compiled.compiler} made ({last}); install one of its version or later"
    return _instructions(said, kernel), ""


def _disassembler() -> str | None:
    """Find it on PATH, or in NVIDIA's wheels."""
    spec = find_spec("nvidia")
    places = list(spec.submodule_search_locations or ()) if spec else []
    in_wheels = (str(found) for place in places for found in Path(place).glob(f"*/bin/{_DISASSEMBLER}*"))
    return shutil.which(_DISASSEMBLER) or next(filter(shutil.which, in_wheels), None)


def _instructions(listing: str, kernel: str) -> tuple[str, ...]:
    section, found = "", []
    for line in listing.splitlines():
        header, instruction = _SECTION.fullmatch(line.strip()), _INSTRUCTION.match(line)
        section = header[1] if header else section
        if section == kernel and instruction:
            found.append(f"{instruction[1]}: {' '.join(instruction[2].split())}")
        elif section == kernel and _LABEL.fullmatch(line):
            found.append(line)
    return tuple(found)


def _counted(sass: Sequence[str]) -> dict[str, int]:
    """Count instructions by opcode, the most frequent first; labels, and the padding after the code, are left out."""
    names: Counter[str] = Counter()
    for line in sass:
        found = _OPCODE.match(line.partition(": ")[2])
        if found and found[1] != "NOP":
            width = next((each for each in _WIDTHS if each in found[2] and found[1].startswith(("LD", "ST"))), "")
            names[found[1] + width] += 1
    return dict(sorted(names.items(), key=lambda each: (-each[1], each[0])))
