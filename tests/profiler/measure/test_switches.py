"""Switches of any implementation act while they last and leave nothing behind; combinations are complete."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impls.case import ConvCase
from impls.catalog import CATALOG, find
from impls.contract import Implementation
from impls.data import make_data
from impls.reference import check
from profiler.measure.combinations import MOST_COMPOSABLE, faults_matter, variants_of
from profiler.measure.screening import is_worth_measuring
from profiler.measure.subject import prepared
from profiler.measure.switches import ANY, environment_of, switches_of
from profiler.records import Screened

CASE = ConvCase.parse("ic1ih8oc1kh3ph1")


def _context(name: str) -> Callable[[], AbstractContextManager[Any]]:
    context = next(each.switch.context for each in ANY if each.switch.name == name)
    assert context is not None
    return context


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("one_thread", torch.get_num_threads),
        ("denormals_flushed", lambda: float(torch.tensor(1e-40) * 1) != 0),
        ("without_onednn", lambda: torch.backends.mkldnn.enabled),
    ],
)
def test_a_context_acts_and_restores_even_after_an_error(name: str, state: Callable[[], int]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    before = state()
    context = _context(name)()
    context.__enter__()
    inside = state()
    assert not context.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert (int(inside), state()) == (int(before) - 1, before)
    torch.set_num_threads(threads)


def test_without_onednn_is_held_to_transforms_where_torch_takes_winograd() -> None:
    if not torch._nnpack_available():
        pytest.skip("this torch has no NNPACK for this processor")
    case, conv2d = ConvCase.parse("mb16ic4ih32oc4kh3ph1"), find("torch.conv2d")
    data, switches = make_data(case, seed=1), switches_of(conv2d, case, 1)
    together = [switches["without_onednn"], switches["channels_last"]]
    for thrown, bound in (([], "library"), (together[:1], "transform"), (together, "transform")):
        subject = prepared(conv2d, case, data, thrown)
        assert subject.error_bound == bound
        with subject.context():
            output = subject.call()
        assert check(case, output, data.image, data.weight, data.bias, kind=subject.error_bound).correct
        if thrown == together[:1]:  # else the case would show nothing
            assert not check(case, output, data.image, data.weight, data.bias).correct


def test_one_thread_is_numbas_too() -> None:
    numba = pytest.importorskip("numba", reason="Numba is not installed")
    threads = numba.get_num_threads()
    with _context("one_thread")():
        assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == threads


def _named(implementation: Implementation, threads: int) -> set[str]:
    return set(switches_of(implementation, CASE, threads))


def test_switches_apply_by_arrays_gradients_and_threads() -> None:
    of_numpy = {"denormals_flushed", "recycled_memory", "padded_beforehand", "output_buffer"}
    assert _named(find("numpy.shift_add"), 1) == of_numpy
    assert _named(find("numpy.shift_add"), 2) == of_numpy | {"one_thread", "passive_wait"}
    of_torch = {"denormals_flushed", "recycled_memory", "without_onednn", "channels_last"}
    assert _named(find("torch.conv2d"), 1) == of_torch | {"padded_beforehand", "backend_operator", "unbatched"}
    gradients = {"no_grad", "inference_mode"}
    of_the_layer = {"padded_beforehand", "functional", "without_bias"}
    assert _named(find("article.module"), 1) == of_torch | gradients | of_the_layer


def test_weights_are_packed_where_torch_chooses_onednn() -> None:
    large = ConvCase.parse("ic1ih200oc1kh3ph1")
    assert "prepacked_weights" in switches_of(find("torch.conv2d"), large, 1)
    assert "without_bias" not in switches_of(find("article.module"), ConvCase.parse("ic1ih8oc1kh3ph1_bias"), 1)


def test_only_what_needs_it_has_an_environment() -> None:
    assert "GLIBC_TUNABLES" in environment_of("recycled_memory")
    assert environment_of("passive_wait")["OMP_WAIT_POLICY"] == "passive"
    assert environment_of("no_grad") == environment_of("") == environment_of("unknown") == {}


@pytest.mark.parametrize("name", ["ic1ih9oc1kh3ph1", "ic1ih200oc1kh3ph1", "ic1ih9oc1kh3", "mb2ic4ih9oc6kh3ph1g2_bias"])
@pytest.mark.parametrize("implementation", [each for each in CATALOG if each.switches], ids=lambda each: each.name)
def test_every_switch_leaves_the_output_right(implementation: Implementation, name: str) -> None:
    case = ConvCase.parse(name)
    if not implementation.available(case).available:
        pytest.skip(implementation.available(case).reason)
    data = make_data(case, 5)
    for switch in switches_of(implementation, case, 1).values():
        subject = prepared(implementation, case, data, [switch])
        with subject.context():
            output = subject.call()
        result = check(case, output, data.image, data.weight, data.bias, kind=subject.error_bound)
        assert result.correct, f"{switch.name}: {result.reason}"


def test_the_call_without_a_batch_gives_a_fresh_output_each_time_and_takes_one_image_only() -> None:
    library = find("torch.conv2d")
    (switch,) = [each for each in library.switches if each.name == "unbatched"]
    subject = prepared(library, CASE, make_data(CASE, 5), [switch])
    with subject.context():
        first, second = subject.call(), subject.call()
    assert first.shape == CASE.output_shape
    assert first.data_ptr() != second.data_ptr()
    refused = switch.available(ConvCase.parse("mb2ic1ih8oc1kh3ph1"))
    assert (refused.available, "a batch of 2 images" in refused.reason) == (False, True)


def _tried(switch: str, **given_: Any) -> Screened:
    known: dict[str, Any] = {"cause": "traffic", "scope": "call", "composable": True, "kept": True, **given_}
    return Screened(implementation="a", case="c", device="cpu", threads=1, switch=switch, summary="", **known)


@given(st.integers(0, 7))
def test_composable_switches_are_thrown_in_every_combination(number: int) -> None:
    names = list("abcdefg"[:number])
    found = variants_of([_tried(name) for name in names])
    thrown = names[:MOST_COMPOSABLE]
    expected = chain.from_iterable(combinations(thrown, size) for size in range(1, len(thrown) + 1))
    assert sorted(found) == sorted(map(list, expected))


def test_alternatives_stand_alone_and_gradient_switches_exclude_each_other() -> None:
    tried = [
        _tried("inference_mode", cause="autograd"),
        _tried("no_grad", cause="autograd"),
        _tried("padded"),
        _tried("backend", composable=False),
        _tried("weak", kept=False),
        _tried("recycled", scope="process"),
    ]
    assert variants_of(tried) == [
        ["inference_mode"],
        ["no_grad"],
        ["padded"],
        ["inference_mode", "padded"],
        ["no_grad", "padded"],
        ["backend"],
    ]
    assert variants_of(tried, "recycled") == [
        ["recycled"],
        ["inference_mode", "recycled"],
        ["no_grad", "recycled"],
        ["padded", "recycled"],
        ["inference_mode", "padded", "recycled"],
        ["no_grad", "padded", "recycled"],
    ]
    assert variants_of(tried, "passive_wait") == []


@pytest.mark.parametrize(
    ("as_is", "switched", "worth"),
    [
        ([10.0, 10.1, 9.9], [9.0, 9.1, 8.9], True),
        ([10.0, 10.1, 9.9], [9.8, 9.7, 9.9], False),  # under 5 %
        ([10.0, 14.0, 6.0], [9.0, 13.0, 5.0], False),  # in the noise
        ([10.0, 40.0, 9.0], [21.0, 50.0, 20.0], True),  # noisy, but twice as long
    ],
)
def test_a_switch_is_worth_measuring_beyond_the_noise(as_is: list[float], switched: list[float], worth: bool) -> None:
    assert is_worth_measuring(as_is, switched) is worth


def test_page_faults_matter_as_a_share_of_the_call() -> None:
    assert faults_matter(16_000, 40e-3)
    assert not faults_matter(10, 40e-3)


def test_a_function_of_the_reader_gets_switches_too(tmp_path: Path) -> None:
    from impls.user import resolve

    file = tmp_path / "mine.py"
    file.write_text("import torch\n\ndef f(image: torch.Tensor, weight: torch.Tensor):\n    return image\n")
    names = _named(resolve("file", f"{file}:f", "mine:f"), 1)
    assert names == {"denormals_flushed", "recycled_memory", "without_onednn", "channels_last"}
