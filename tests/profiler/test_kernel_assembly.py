"""What `list --asm` shows of a CUDA kernel, as an object and as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from impls.cuda.nvrtc_library import find_nvrtc, missing_nvrtc
from profiler.assembly import assembly, assembly_text
from profiler.errors import UsageError

BUILT: dict[str, Any] = {
    "implementation": "cuda.direct",
    "case": "ic1ih8oc1kh3",
    "compiler": "NVRTC 13.0",
    "options": ["--gpu-architecture=sm_80", "-DBLOCK_WIDTH=8"],
    "source": "convolution.cu",
    "kernel": "convolution_direct",
    "grid": [1, 2, 3],
    "block": [8, 4, 1],
    "dynamic_shared_bytes": 0,
    "resources": [
        {
            "architecture": architecture,
            "registers": registers,
            "shared_bytes": 0,
            "constant_bytes": 65536,
            "local_bytes": 8,
            "spill_bytes": 12,
            "occupancy": share,
            "limited_by": limiter,
        }
        for architecture, registers, share, limiter in (("sm_80", 29, 0.5, "blocks"), ("sm_121", 40, None, None))
    ],
    "architecture": "sm_80",
    "opcodes": {"FFMA": 2, "LDG.128": 1},
    "sass": ["0000: FFMA R1, R2, R3, R1", ".L_x_1:"],
    "sass_reason": "",
    "ptx": [".visible .entry convolution_direct(", "}"],
}
HEAD = """\
cuda.direct on ic1ih8oc1kh3
  compiler  NVRTC 13.0
  options   --gpu-architecture=sm_80 -DBLOCK_WIDTH=8
  source    convolution.cu
  kernel    convolution_direct
  launch    grid [1, 2, 3], block [8, 4, 1], 0 bytes shared

resources (registers and local bytes a thread, shared bytes a block; occupancy by NVIDIA's model, not measured)
  architecture  registers  shared bytes  constant bytes  local bytes  spill bytes  occupancy  limited by
         sm_80         29             0           65536            8           12       50 %      blocks
        sm_121         40             0           65536            8           12          -           -

"""


def test_the_text_holds_resources_and_machine_code() -> None:
    assert assembly_text(BUILT) == HEAD + (
        "machine code for sm_80, 3 instructions\n  FFMA 2, LDG.128 1\n  0000: FFMA R1, R2, R3, R1\n  .L_x_1:"
    )


def test_where_there_is_no_machine_code_it_holds_the_ptx() -> None:
    assert assembly_text({**BUILT, "sass": [], "opcodes": {}, "sass_reason": "no tool"}) == HEAD + (
        "PTX for sm_80 (no machine code: no tool)\n  .visible .entry convolution_direct(\n  }"
    )


@pytest.mark.skipif(find_nvrtc() is None, reason=missing_nvrtc())
def test_a_kernel_is_built_for_the_case_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built = assembly("cuda.shared_memory", "ic1ih20oc1kh5kw4")
    assert set(built) == set(BUILT)
    assert built["kernel"] == "convolution_shared_memory"
    assert {"-DKERNEL_HEIGHT=5", "-DKERNEL_WIDTH=4"} <= set(built["options"])
    assert built["dynamic_shared_bytes"] > 0
    assert built["ptx"][0] == ".visible .entry convolution_shared_memory("
    assert list(built["resources"][0]) == list(BUILT["resources"][0])
    assert all(0 < each["occupancy"] <= 1 and each["limited_by"] for each in built["resources"])
    assert assembly_text(built).startswith("cuda.shared_memory on ic1ih20oc1kh5kw4\n")


def test_a_case_that_the_kernel_does_not_take_is_bad_usage() -> None:
    with pytest.raises(UsageError, match=r"^cuda\.direct cannot be built for ic1ih8oc1kh3_f64: .* float32"):
        assembly("cuda.direct", "ic1ih8oc1kh3_f64")
