"""The three kernels as implementations: what is said where they cannot run, and on a GPU, what they compute."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from impls.case import ConvCase
from impls.contract import AVAILABLE, Availability, Implementation
from impls.cuda import implementations
from impls.cuda.implementations import DIRECT, KERNEL_OF, REGISTER_BLOCKED, SHARED_MEMORY
from impls.cuda.kernels import SOURCE, Launch, launch_of
from impls.cuda.launcher import stream_of
from impls.cuda.nvrtc import compile_source
from impls.cuda.nvrtc_library import Nvrtc
from impls.cuda.resources import compiled_resources, loaded_resources
from impls.data import make_data
from impls.reference import check

EVERY = pytest.mark.parametrize(
    "implementation", [DIRECT, SHARED_MEMORY, REGISTER_BLOCKED], ids=lambda implementation: implementation.name
)
CASE = ConvCase.parse("ic1ih100oc1kh3ph1")
CASES = (
    "ic1ih100oc1kh3ph1",
    "ic1ih8oc1kh3ph1",
    "ic1ih1oc1kh1",
    "ic1ih7iw9oc1kh5kw1ph2pw0_bias",
    "ic1ih1080iw1920oc1kh3ph1",
    "ic1ih511iw257oc1kh11ph5",
    "ic1ih100oc1kh31ph15",
    "mb3ic3ih33iw65oc8kh3ph1_bias",
    "mb2ic64ih28oc64kh3ph1",
    "g2mb2ic4ih9iw7oc6kh3kw2sh2sw1ph2pw1dh1dw0_bias",
    "g16ic16ih64oc16kh3ph1",
    "g3ic3ih5iw8oc3kh2kw3sh1sw3ph0pw2",
    "ic2ih64oc3kh5sh2ph2dh1_bias",
    "mb70000ic1ih4oc1kh3ph1",  # more planes than a grid is deep
)


@pytest.fixture
def with_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implementations, "cuda_device", lambda: AVAILABLE)


@EVERY
def test_they_are_for_cuda_and_in_every_run_there(implementation: Implementation) -> None:
    assert implementation.devices == ("cuda",)
    assert implementation.primary
    assert [switch.name for switch in implementation.switches] == ["output_buffer"]


@EVERY
def test_without_a_device_that_is_the_reason(implementation: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implementations, "cuda_device", lambda: Availability.no("no CUDA device: get one"))
    assert implementation.available(CASE).reason == "no CUDA device: get one"


@EVERY
def test_without_nvrtc_that_is_the_reason(
    implementation: Implementation, with_device: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implementations, "find_nvrtc", lambda: None)
    assert implementation.available(CASE).reason.startswith("no NVRTC")


@EVERY
def test_with_both_the_kernel_says_which_cases_it_takes(
    implementation: Implementation, with_device: None, nvrtc: Nvrtc
) -> None:
    assert implementation.available(CASE) == AVAILABLE
    refused = implementation.available(ConvCase.parse("ic1ih100oc1kh3ph1_f64"))
    assert refused.reason == "its kernels compute in float32, and the case is of float64; see torch.conv2d"


def _on_device(case: ConvCase) -> tuple[Any, list[Any]]:
    data = make_data(case, seed=7)
    arrays = (data.image, data.weight, data.bias)
    return data, [None if array is None else torch.from_numpy(array).cuda() for array in arrays]


@pytest.mark.gpu
@EVERY
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu_they_compute_what_the_oracle_does(implementation: Implementation, name: str) -> None:
    case = ConvCase.parse(name)
    answer = implementation.available(case)
    if not answer.available:
        assert answer.reason.partition("; see ")[2]
        pytest.skip(answer.reason)
    data, tensors = _on_device(case)
    (switch,) = implementation.switches
    assert switch.prepare is not None
    with torch.inference_mode():
        calls = [implementation.prepare(case, *tensors), switch.prepare(case, *tensors)]
        outputs = [call() for call in calls for _again in range(2)]
    for output in outputs:
        answer = check(case, output, data.image, data.weight, data.bias)
        assert answer.correct, answer.reason
    assert outputs[0].data_ptr() != outputs[1].data_ptr()
    assert outputs[2].data_ptr() == outputs[3].data_ptr()


@pytest.mark.gpu
def test_on_a_gpu_they_run_on_torchs_current_stream() -> None:
    _data, tensors = _on_device(CASE)
    device = tensors[0].device
    call = DIRECT.prepare(CASE, *tensors)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        assert stream_of(device)() == stream.cuda_stream
        torch.cuda._sleep(100_000_000)
        call()
        assert not stream.query(), "the kernel waits behind what the stream has to do"
    stream.synchronize()


@pytest.mark.gpu
def test_on_a_gpu_two_weights_do_not_share_constant_memory() -> None:
    _data, (image, weight, bias) = _on_device(CASE)
    first = REGISTER_BLOCKED.prepare(CASE, image, weight, bias)
    second = REGISTER_BLOCKED.prepare(CASE, image, 2 * weight, bias)
    assert torch.allclose(2 * first(), second())


@pytest.mark.gpu
@EVERY
def test_on_a_gpu_the_driver_says_what_the_compiler_said(implementation: Implementation) -> None:
    _data, tensors = _on_device(CASE)
    implementation.prepare(CASE, *tensors)
    launch = launch_of(KERNEL_OF[implementation.name], CASE)
    assert isinstance(launch, Launch)
    loaded = next(each for each in reversed(loaded_resources()) if each.kernel == launch.kernel)
    if loaded.architecture.startswith("compute_"):
        pytest.skip(f"NVRTC does not know this device: its driver compiled the PTX for {loaded.architecture}")
    made = compile_source(SOURCE, loaded.architecture, [f"-D{define}" for define in launch.defines])
    told = next(each for each in compiled_resources(made) if each.kernel == launch.kernel)
    assert (loaded.registers, loaded.shared_bytes, loaded.local_bytes) == (
        told.registers,
        told.shared_bytes,
        told.local_bytes,
    )
    assert loaded.max_threads is not None
    assert loaded.max_threads >= launch.threads
