"""What a machine instruction does and which instruction set it belongs to, for the processors that are common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Instruction", "instruction_set"]

# GNU and LLVM write a target as `1200 <direct+0xc0>` and `0x1200 <direct+0xc0>`.
_TARGET = re.compile(r"(?:0x)?([0-9a-f]+) <[^>]*>\s*$")
_COMMENT = re.compile(r"\s+(?:# |//|; ).*$")  # Arm writes numbers as #3
_CALLS = ("call", "bl", "jal", "adr")
# After these, what follows in memory is not what runs next. GNU writes `notrack jmp` and `bnd jmp` too.
_ENDS = re.compile(r"(?:(?:notrack|bnd) )?(?:jmpq?|retq?|ud2|hlt|b|br|udf)\b(?!\.)")

# Arithmetic alone: moves, compares and shuffles are not what a convolution is made of. `p` packed, `s` one element.
# Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2; Arm Architecture Reference Manual, chapter C7.
_X86_ARITHMETIC = re.compile(r"v?(?:add|sub|mul|div|fn?m(?:add|sub)(?:132|213|231)?)(p|s)[sd]")
_ARM_ARITHMETIC = re.compile(r"f(?:add|sub|mul|div|mla|mls|madd|msub|nmadd|nmsub|nmla|nmls)(?:\.\d+[hsd])?")
_PRODUCT = re.compile(r"mul|fn?m(?:add|sub)|fn?ml[as]")
_ARM_VECTOR = re.compile(r"\b[vz]\d+\.\d*[hsd]\b")

# Widest first: what the registers of a loop belong to. Of 128 bits, AVX has the three-operand forms (v...).
_SETS = (
    (re.compile(r"%zmm"), "AVX-512, 512 bits"),
    (re.compile(r"%ymm(?:1[6-9]|2\d|3[01])\b|%ymm.*%k[1-7]\}|\{1to\d+\}.*%ymm"), "AVX-512VL, 256 bits"),
    (re.compile(r"%ymm"), "AVX, 256 bits"),
    (re.compile(r"^v.*%xmm"), "AVX, 128 bits"),
    (re.compile(r"%xmm"), "SSE, 128 bits"),
    (re.compile(r"\bz\d+\.[bhsdq]\b"), "SVE, as wide as the processor has it"),
    (re.compile(r"\bv\d+(?:\.\d+[bhsd])|\.\d+[bhsd]\s+v\d+"), "Advanced SIMD (NEON), 128 bits"),
)


@dataclass(frozen=True)
class Instruction:
    """Hold one instruction: its address, and its mnemonic and operands as the disassembler writes them."""

    address: int
    text: str

    @property
    def mnemonic(self) -> str:
        """Give the operation's name."""
        return self.text.split(maxsplit=1)[0]

    @property
    def target(self) -> int | None:
        """Give the address it may jump to; None for calls and all that does not jump to a known place."""
        if self.mnemonic.startswith(_CALLS):
            return None
        found = _TARGET.search(_COMMENT.sub("", self.text))
        return int(found[1], 16) if found else None

    @property
    def ends(self) -> bool:
        """Say whether the instruction after it is never the next to run."""
        return _ENDS.match(self.text) is not None

    @property
    def lanes(self) -> str:
        """Say whether it is floating-point arithmetic on a `vector`, on one element (`scalar`), or neither ('')."""
        x86 = _X86_ARITHMETIC.fullmatch(self.mnemonic)
        if x86:
            return "vector" if x86[1] == "p" else "scalar"
        if _ARM_ARITHMETIC.fullmatch(self.mnemonic):
            return "vector" if "." in self.mnemonic or _ARM_VECTOR.search(self.text) else "scalar"
        return ""

    @property
    def multiplies(self) -> bool:
        """Say whether it is floating-point arithmetic with a product in it."""
        return bool(self.lanes) and _PRODUCT.search(self.mnemonic) is not None


def instruction_set(instructions: Iterable[Instruction]) -> str:
    """Name the instruction set and width of the widest registers in use, '' where there are none of those known."""
    texts = [_COMMENT.sub("", instruction.text) for instruction in instructions]
    return next((name for pattern, name in _SETS if any(pattern.search(text) for text in texts)), "")
