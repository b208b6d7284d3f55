"""The vectors of another processor (NEON), cross-compiled and run under emulation where both are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from impls.case import ConvCase
from impls.compiled import simd
from impls.data import Data, make_data
from impls.reference import check

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
pytestmark = pytest.mark.skipif(
    shutil.which(COMPILER) is None or shutil.which(EMULATOR) is None,
    reason=f"{COMPILER} and {EMULATOR} are not both installed (Debian: gcc-aarch64-linux-gnu, qemu-user)",
)
DIRECT = [
    *("ic1ih1oc1kh1", "ic1ih3iw4oc1kh3ph1", "ic1ih16oc1kh3ph1", "ic1ih19iw37oc1kh5ph2", "ic1ih40iw33oc1kh7ph3"),
    *("ic1ih23iw50oc1kh11ph5", "ic1ih17iw21oc1kh4ph2", "mb2g3ic3ih20oc3kh3ph1", "ic1ih9iw1024oc1kh11ph5"),
]
FAST_FIR = ["ic1ih11oc1kh11", "ic1ih24iw33oc1kh11ph5", "ic1ih70iw270oc1kh11ph5", "mb2g2ic2ih13iw31oc2kh11ph7"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("aarch64") / "simd"
    sources = Path(simd.__file__).parent
    command = [COMPILER, "-O3", "-Wall", "-Werror", "-static", "-pthread", f"-I{sources}", "-o", str(target)]
    subprocess.run([*command, str(Path(__file__).with_name("simd_driver.c"))], check=True)
    return target


def _input(case: ConvCase, data: Data, *, fast_fir: bool) -> bytes:
    sizes = [
        *(case.batch * case.in_channels, case.in_channels, case.height, case.width),
        *(case.output_height, case.output_width, case.kernel_height, case.kernel_width),
        *(case.padding_height, case.padding_width, fast_fir),
    ]
    return np.array(sizes, "<i4").tobytes() + data.image.tobytes() + data.weight.tobytes()


@pytest.mark.parametrize(("names", "fast_fir"), [(DIRECT, False), (FAST_FIR, True)])
def test_another_processor_computes_the_same(program: Path, names: list[str], *, fast_fir: bool) -> None:
    cases = [ConvCase.parse(name) for name in names]
    data = [make_data(case, seed=3) for case in cases]
    given = b"".join(_input(case, each, fast_fir=fast_fir) for case, each in zip(cases, data, strict=True))
    answer = subprocess.run([EMULATOR, str(program)], input=given, capture_output=True, check=True, timeout=120)
    outputs = np.frombuffer(answer.stdout, "<f4")
    assert outputs.size == sum(case.outputs for case in cases)
    for case, each in zip(cases, data, strict=True):
        assert simd.fits(case)
        output, outputs = outputs[: case.outputs].reshape(case.output_shape), outputs[case.outputs :]
        result = check(case, output, each.image, each.weight, None, kind="transform" if fast_fir else "direct")
        assert result.correct, f"{case.name}: {result.reason}"
