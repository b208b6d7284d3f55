"""How kernels are launched: blocks and grids cover the output, tiles have no bank conflicts, refusals have reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.contract import Availability
from impls.cuda.kernels import KERNELS, Kernel, Launch, defines_of, launch_of
from impls.cuda.problem import Problem


def _launch(kernel: Kernel, name: str) -> Launch:
    launch = launch_of(kernel, ConvCase.parse(name))
    assert isinstance(launch, Launch)
    return launch


def test_the_articles_case_is_spread_over_a_large_gpu() -> None:
    case = ConvCase.parse("ic1ih100oc1kh3ph1")
    constants = (
        *("BLOCK_WIDTH=32", "BLOCK_HEIGHT=2", "KERNEL_HEIGHT=3", "KERNEL_WIDTH=3", "STRIDE_HEIGHT=1", "STRIDE_WIDTH=1"),
        *("DILATION_HEIGHT=1", "DILATION_WIDTH=1", "ONE_CHANNEL=1", "REGISTER_BLOCK_THREADS=32", "THREAD_ROWS=1"),
        *("THREAD_CHANNELS=1", "VECTOR_LOADS=1", "PADDING_WIDTH=1", "VECTOR_STORES=1"),
    )
    assert defines_of(case) == constants
    launches = [_launch(kernel, case.name) for kernel in KERNELS]
    assert [(each.grid, each.block, each.shared_bytes, each.constant_symbol, each.alignment) for each in launches] == [
        ((4, 50, 1), (32, 2, 1), 0, "", 4),
        ((4, 50, 1), (32, 2, 1), 4 * (4 * 34 + 9), "", 4),
        ((1, 100, 1), (32, 1, 1), 0, "constant_weight", 16),
    ]
    assert {each.defines for each in launches} == {constants}


def test_large_cases_have_full_blocks_and_many_outputs_a_thread() -> None:
    launches = [_launch(kernel, "mb8ic4ih1000iw1002oc8kh5") for kernel in KERNELS]
    assert [(each.grid, each.block) for each in launches] == [
        ((32, 125, 64), (32, 8, 1)),
        ((32, 125, 64), (32, 8, 1)),
        ((8, 63, 16), (32, 8, 1)),
    ]
    assert {"THREAD_ROWS=2", "THREAD_CHANNELS=4"} < set(launches[2].defines)
    assert not {"ONE_CHANNEL=1", "VECTOR_LOADS=1", "VECTOR_STORES=1"} & set(launches[2].defines)


def test_a_kernel_too_large_to_unroll_is_no_constant() -> None:
    assert not [each for each in defines_of(ConvCase.parse("ic1ih100oc1kh13")) if "KERNEL" in each]


@given(case=st.from_type(ConvCase), kernel=st.sampled_from(KERNELS))
def test_a_grid_covers_the_output_and_no_more_than_a_block_beyond(case: ConvCase, kernel: Kernel) -> None:
    launch = launch_of(kernel, replace(case, dtype="float32"))
    assert isinstance(launch, Launch)
    constants = dict(define.split("=") for define in launch.defines)
    blocked = kernel == "convolution_register_blocked"
    columns = launch.block[0] * (4 if blocked else 1)
    rows = launch.block[1] * (int(constants["THREAD_ROWS"]) if blocked else 1)
    assert 0 <= launch.grid[0] * columns - case.output_width < columns
    assert 0 <= launch.grid[1] * rows - case.output_height < rows
    channels = int(constants["THREAD_CHANNELS"]) if blocked else 1
    assert launch.grid[2] * channels == case.batch * case.out_channels


@pytest.mark.parametrize("width", [8, 16, 64])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_a_warp_reads_a_tile_from_32_banks(width: int, stride: int) -> None:
    side = (width - 1) * stride + 3
    launch = _launch("convolution_shared_memory", f"ic1ih{side}oc1kh3sh{stride}")
    pitch = Problem.from_buffer_copy(launch.problem_bytes).tile_pitch
    block_width = launch.block[0]
    lanes = [(lane % block_width, lane // block_width) for lane in range(32)]
    assert Counter(Counter((y * stride * pitch + x) % 32 for x, y in lanes).values()) == {1: 32}


def test_tiles_become_lower_until_they_fit() -> None:
    launch = _launch("convolution_shared_memory", "ic1ih500oc1kh60sh2")
    assert launch.block == (32, 4, 1)
    assert launch.shared_bytes == 4 * (66 * 122 + 60 * 60)
    assert launch.shared_bytes <= 48 * 1024


@pytest.mark.parametrize(
    ("kernel", "name", "reason"),
    [
        (
            "convolution_direct",
            "ic1ih8oc1kh3_f64",
            "its kernels compute in float32, and the case is of float64; see torch.conv2d",
        ),
        (
            "convolution_direct",
            "mb2ic1ih32768oc1kh1",
            "its offsets are of 32 bits, and the image has 2147483648 elements; see torch.conv2d",
        ),
        (
            "convolution_direct",
            "ic1ih600000iw32oc1kh1",
            "a grid has at most 65535 blocks one above the other, and the case's 600000 rows take 75000; "
            "see torch.conv2d",
        ),
        (
            "convolution_shared_memory",
            "ic1ih300oc1kh128",
            "one row of 32 outputs with its halo and the 128x128 kernel take 146944 bytes of shared memory, and a "
            "block has 49152; see cuda.direct",
        ),
        (
            "convolution_register_blocked",
            "ic64ih56oc64kh3ph1",
            "its weights are in constant memory, which holds 16384 of them, and the case has 36864; "
            "see cuda.shared_memory",
        ),
    ],
)
def test_what_a_kernel_cannot_take_is_refused_with_a_reason(kernel: Kernel, name: str, reason: str) -> None:
    answer = launch_of(kernel, ConvCase.parse(name))
    assert isinstance(answer, Availability)
    assert not answer.available
    assert answer.reason.startswith(reason)
