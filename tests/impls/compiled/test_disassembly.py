"""The hot loop in what objdump prints: GNU's and LLVM's hand, x86 and Arm."""

from __future__ import annotations

import pytest

from impls.compiled.disassembly import functions_in, hot_loop
from impls.compiled.instructions import Instruction, instruction_set

GNU = """
direct.so:     file format elf64-x86-64


Disassembly of section .text:

0000000000001000 <helper>:
    1000:	addss  %xmm1,%xmm0
    1004:	jne    1000 <helper>
    1006:	ret

0000000000001100 <direct>:
    1100:	push   %rbp
    1101:	lea    0xeb9(%rip),%rax        # 2004 <table>
    1108:	vmovups (%rdi,%rax,1),%ymm2
    110d:	vfmadd213ps (%rsi,%rax,1),%ymm3,%ymm2
    1113:	vmovups %ymm2,(%rsi,%rax,1)
    1118:	add    $0x20,%rax
    111c:	cmp    %rcx,%rax
    111f:	jne    1108 <direct+0x8>
    1121:	vaddps %zmm0,%zmm0,%zmm1
    1127:	vaddps %zmm1,%zmm0,%zmm1
    112d:	jne    1121 <direct+0x21>
    112f:	vzeroupper
    1132:	ret
"""

LLVM_ARM = """
0000000000000400 <direct>:
     400:      	ldr	q1, [x0], #16
     404:      	fmla	v0.4s, v1.4s, v2.s[0]
     408:      	subs	x2, x2, #4
     40c:      	b.ne	0x400 <direct>
     410:      	fmadd	s0, s1, s2, s0
     414:      	cbnz	x3, 0x410 <direct+0x10>
     418:      	bl	0x300 <other>
     41c:      	ret
"""


def test_the_loop_with_most_products_on_vectors_is_taken() -> None:
    loop = hot_loop(functions_in(GNU))
    assert loop is not None
    assert loop.function == "direct"
    assert [hex(instruction.address) for instruction in loop.instructions] == [
        *("0x1108", "0x110d", "0x1113", "0x1118", "0x111c", "0x111f"),
    ]
    assert (loop.count("vector"), loop.count("scalar"), loop.registers) == (1, 0, "AVX, 256 bits")
    assert loop.instructions[1].text == "vfmadd213ps (%rsi,%rax,1),%ymm3,%ymm2"


def test_arm_and_llvms_hand_are_read_too() -> None:
    loop = hot_loop(functions_in(LLVM_ARM))
    assert loop is not None
    assert [instruction.mnemonic for instruction in loop.instructions] == ["ldr", "fmla", "subs", "b.ne"]
    assert (loop.count("vector"), loop.registers) == (1, "Advanced SIMD (NEON), 128 bits")


def test_without_vectors_single_elements_count_and_without_arithmetic_there_is_none() -> None:
    scalar = "\n".join(line for line in GNU.splitlines() if "ps " not in line)
    loop = hot_loop(functions_in(scalar))
    assert loop is not None
    assert (loop.function, loop.count("vector"), loop.count("scalar")) == ("helper", 0, 1)
    assert hot_loop(functions_in(scalar.replace("addss", "movss"))) is None
    assert hot_loop(functions_in("objdump: file format not recognized")) is None


@pytest.mark.parametrize(
    ("text", "lanes", "multiplies"),
    [
        ("vfmadd231ps %zmm1,%zmm2,%zmm3", "vector", True),
        ("mulpd %xmm1,%xmm2", "vector", True),
        ("vsubps %ymm1,%ymm2,%ymm3", "vector", False),
        ("vfnmadd132sd (%rax),%xmm2,%xmm3", "scalar", True),
        ("addss %xmm1,%xmm2", "scalar", False),
        ("movaps %xmm1,%xmm2", "", False),
        ("addsd", "scalar", False),
        ("fmla v0.2d, v1.2d, v2.2d", "vector", True),
        ("fmla.4s v0, v1, v2", "vector", True),
        ("fmla z0.s, p0/m, z1.s, z2.s", "vector", True),
        ("fadd d0, d1, d2", "scalar", False),
        ("add x0, x0, #16", "", False),
    ],
)
def test_what_is_floating_point_arithmetic(text: str, lanes: str, multiplies: bool) -> None:
    instruction = Instruction(0, text)
    assert (instruction.lanes, instruction.multiplies) == (lanes, multiplies)


@pytest.mark.parametrize(
    ("text", "target", "ends"),
    [
        ("jne 1108 <direct+0x8>", 0x1108, False),
        ("jmp 1108 <direct+0x8>", 0x1108, True),
        ("jmpq *%rax", None, True),
        ("notrack jmp *%rax", None, True),
        ("call 1000 <helper>", None, False),
        ("lea 0x2(%rip),%rax # 2004 <table>", None, False),
        ("b 0x400 <direct>", 0x400, True),
        ("b.ne 0x400 <direct>", 0x400, False),
        ("tbz w0, #3, 0x410 <direct+0x10>", 0x410, False),
        ("bl 0x300 <other>", None, False),
        ("ret", None, True),
    ],
)
def test_where_it_may_jump(text: str, target: int | None, ends: bool) -> None:
    instruction = Instruction(0x2000, text)
    assert (instruction.target, instruction.ends) == (target, ends)


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        (["addps %xmm0,%xmm1", "vaddps %zmm0,%zmm1,%zmm2"], "AVX-512, 512 bits"),
        (["vaddps %ymm17,%ymm1,%ymm2"], "AVX-512VL, 256 bits"),
        (["vaddps (%rax){1to8},%ymm1,%ymm2"], "AVX-512VL, 256 bits"),
        (["vaddps %ymm7,%ymm1,%ymm2"], "AVX, 256 bits"),
        (["vaddps %xmm0,%xmm1,%xmm2"], "AVX, 128 bits"),
        (["addps %xmm0,%xmm1"], "SSE, 128 bits"),
        (["fmla z0.s, p0/m, z1.s, z2.s"], "SVE, as wide as the processor has it"),
        (["add %rax,%rbx"], ""),
    ],
)
def test_the_widest_registers_name_the_instruction_set(texts: list[str], named: str) -> None:
    assert instruction_set([Instruction(0, text) for text in texts]) == named
