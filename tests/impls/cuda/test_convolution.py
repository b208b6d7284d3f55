"""The CUDA source, run on the CPU, against the oracle: every kernel, every kind of case, in several thread orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.cuda import kernels
from impls.cuda.kernels import KERNELS, SOURCE, Kernel, Launch, launch_of
from impls.data import make_data
from impls.reference import Check, check

WRONG = "wrong output"
ORDERS = ("ascending", "descending", "shuffled")
# What a kernel can get wrong at edges: blocks with threads to spare, rows that vectors fit and do not, kernels as large
# as the image, padding beyond them, strides and dilations of either parity, groups, and one too large to unroll.
CASES = (
    "ic1ih8oc1kh3ph1",
    "ic1ih37iw41oc1kh3ph1_bias",
    "ic1ih20iw36oc1kh11ph5",
    "ic1ih70iw64oc1kh5ph2",
    "mb2ic3ih9iw12oc4kh3kw5ph1pw2_bias",
    "g4mb2ic4ih11oc8kh3ph1",
    "g2ic4ih13iw15oc6kh3kw2sh2sw3ph1pw0dh1dw0_bias",
    "ic2ih25iw24oc2kh3sh2sw4ph3pw2dh2",
    "ic2ih30iw28oc3kh13kw12ph2pw6_bias",
    "ic1ih1oc1kh1",
    "ic3ih7iw1oc2kh7kw1",
    "ic1ih2iw3oc1kh2ph5pw6",
    "ic1ih40iw4oc1kh2dh15dw0ph3",
)
# One for vectors, one for all that is scalar, one for loops that do not unroll.
SANITIZED_CASES = (
    "ic1ih20iw36oc1kh11ph5",
    "g2mb2ic4ih13iw15oc6kh3kw2sh2sw3ph1pw0dh1dw0_bias",
    "ic2ih20iw18oc3kh13kw12ph2pw6_bias",
)


@pytest.fixture(params=["as they are", "as large ones"])
def launched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small cases be launched as large ones are: in full blocks, many outputs a thread, more planes than a grid."""
    if request.param == "as large ones":
        monkeypatch.setattr(kernels, "_BLOCKS", 0)
        monkeypatch.setattr(kernels, "_LARGEST_GRID_Z", 2)


def _answer(emulator: Any, kernel: Kernel, case: ConvCase, order: str = "ascending") -> Check:
    launch = launch_of(kernel, case)
    assert isinstance(launch, Launch), launch.reason
    data = make_data(case, seed=3)
    return check(case, emulator.run(launch, case, data, order, seed=5), data.image, data.weight, data.bias)


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kind_of_case_is_right_in_every_thread_order(emulator: Any, kernel: Kernel) -> None:
    for name in CASES:
        for order in ORDERS:
            answer = _answer(emulator, kernel, ConvCase.parse(name), order)
            assert answer.correct, f"{name}, {order}: {answer.reason}"


@given(case=st.from_type(ConvCase), kernel=st.sampled_from(KERNELS), order=st.sampled_from(ORDERS))
@settings(deadline=None, max_examples=100)
def test_drawn_cases_are_right(emulator: Any, case: ConvCase, kernel: Kernel, order: str) -> None:
    answer = _answer(emulator, kernel, replace(case, dtype="float32"), order)
    assert answer.correct, answer.reason


def test_sanitizers_find_nothing(new_emulator: Callable[..., Any]) -> None:
    emulator = new_emulator(sanitized=True)
    for name in SANITIZED_CASES:
        for kernel in KERNELS:
            answer = _answer(emulator, kernel, ConvCase.parse(name), "shuffled")
            assert answer.correct, f"{kernel} on {name}: {answer.reason}"


@dataclass(frozen=True)
class Bug:
    """Seed a bug: `text` of the source, which has to be there once, becomes `bug`.

    It has to be `found` in what the program says, or where that is empty, as a wrong output.
    """

    name: str
    kernel: Kernel
    case: str
    text: str
    bug: str
    found: str = ""
    sanitized: bool = False


BUGS = (
    Bug(
        "no barrier before the tile is read",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "__syncthreads(); /* the tile is whole */",
        "",
    ),
    Bug(
        "no barrier before the tile is filled again",
        "convolution_shared_memory",
        "ic2ih20iw36oc1kh3ph1",
        "__syncthreads(); /* no thread reads it any more */",
        "",
    ),
    Bug(
        "threads without an output leave before a barrier",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "        /* Threads without an output stay",
        "        if (!exists)\n            return;\n        /* Threads without an output stay",
        found="divergent barrier",
    ),
    Bug(
        "threads wait at different barriers",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "__syncthreads(); /* the tile is whole */",
        "if (exists) __syncthreads();\n else __syncthreads();",
        found="divergent barrier",
    ),
    Bug(
        "a store behind the output",
        "convolution_direct",
        "ic1ih20iw36oc1kh3ph1",
        "output[p.output + y * problem.output_width + x] = sum;\n    }\n}\n\n/* ---- Shared",
        "output[p.output + y * problem.output_width + x] = output[p.output + planes * problem.output_height * "
        "problem.output_width] = sum;\n    }\n}\n\n/* ---- Shared",
        found="store behind the output's end",
    ),
    Bug(
        "threads to spare store",
        "convolution_direct",
        "ic1ih20iw36oc1kh3ph1",
        "    if (x >= problem.output_width || y >= problem.output_height)\n        return;\n    const int outputs",
        "    const int outputs",
        found="heap-buffer-overflow",
        sanitized=True,
    ),
    Bug(
        "a store behind shared memory",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "cell < TILE_HEIGHT * TILE_WIDTH;",
        "cell < (TILE_HEIGHT + 1) * TILE_WIDTH;",
        found="store behind shared memory's end",
    ),
    Bug(
        "a store behind shared memory, as a sanitizer sees it",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "cell < TILE_HEIGHT * TILE_WIDTH;",
        "cell < (TILE_HEIGHT + 1) * TILE_WIDTH;",
        found="use-after-poison",
        sanitized=True,
    ),
    Bug(
        "a tile without the halo's last column",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "#define TILE_WIDTH ((BLOCK_WIDTH - 1) * STRIDE_WIDTH + (KERNEL_WIDTH - 1) * DILATION_WIDTH + 1)",
        "#define TILE_WIDTH ((BLOCK_WIDTH - 1) * STRIDE_WIDTH + (KERNEL_WIDTH - 1) * DILATION_WIDTH)",
    ),
    Bug(
        "a tile one column off",
        "convolution_shared_memory",
        "ic1ih20iw36oc1kh3ph1",
        "blockIdx.x * BLOCK_WIDTH * STRIDE_WIDTH - problem.padding_width;",
        "blockIdx.x * BLOCK_WIDTH * STRIDE_WIDTH - problem.padding_width + 1;",
    ),
    Bug(
        "a column that does not exist",
        "convolution_direct",
        "ic1ih20iw36oc1kh3ph1",
        "return (unsigned)index < (unsigned)size;",
        "return (unsigned)index <= (unsigned)size;",
    ),
    Bug(
        "vectors at odd addresses",
        "convolution_register_blocked",
        "ic1ih20iw36oc1kh3ph1",
        "#define LEAD ((4 - PADDING_WIDTH % 4) % 4)",
        "#define LEAD (PADDING_WIDTH % 4)",
        found="misaligned address",
        sanitized=True,
    ),
    Bug(
        "a row that does not exist is stored",
        "convolution_register_blocked",
        "ic1ih130iw128oc1kh3ph1",
        "                if (y + i < problem.output_height)\n",
        "",
        found="heap-buffer-overflow",
        sanitized=True,
    ),
    Bug(
        "weights of the wrong channel",
        "convolution_register_blocked",
        "ic3ih20iw36oc4kh3ph1",
        "constant_weight[weight + channel * GROUP_INPUTS * KERNEL_SIZE +",
        "constant_weight[weight + channel * KERNEL_SIZE +",
    ),
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_seeded_bugs_are_found(new_emulator: Callable[..., Any], bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_BLOCKS", 0)
    source = SOURCE.read_text()
    assert source.count(bug.text) == 1, "the source has changed: seed this bug anew"
    emulator = new_emulator(source.replace(bug.text, bug.bug), sanitized=bug.sanitized)
    found = [_found(emulator, bug, order) for order in ORDERS]
    if bug.found:
        assert all(bug.found in each for each in found), found
    else:
        assert any(each.startswith(WRONG) for each in found), found


def _found(emulator: Any, bug: Bug, order: str) -> str:
    """Give what one run of it says: of a wrong output, or of what the emulator stopped at."""
    try:
        answer = _answer(emulator, bug.kernel, ConvCase.parse(bug.case), order)
    except emulator.stops as stopped:
        return str(stopped)
    return "" if answer.correct else f"{WRONG}: {answer.reason}"
