"""CUDA graphs: the steps of a capture, on a stand-in that records operators of the CPU and runs them again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from impls.case import ConvCase
from impls.catalog import find
from impls.cuda import graph
from impls.data import as_given, make_data
from impls.reference import check

CASE = ConvCase.parse("ic1ih9oc2kh3ph1_bias")


class _Recorded(TorchDispatchMode):
    """Keep each operator with its arguments and results: replay writes into the same results, as a graph does."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.steps.append((func, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        for func, args, kwargs, result in self.steps:
            result.copy_(func(*args, **kwargs))


class _Stream:
    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def wait_stream(self, other: _Stream) -> None:
        self.log.append(f"{self.name} waits for {other.name}")


class _StandIn:
    """Have the names of torch.cuda that a capture uses."""

    CUDAGraph = _Recorded

    def __init__(self) -> None:
        self.log: list[str] = []
        self.main = _Stream(self.log, "main")

    def Stream(self) -> _Stream:  # noqa: N802 - torch's name
        return _Stream(self.log, "side")

    def current_stream(self) -> _Stream:
        return self.main

    @contextlib.contextmanager
    def stream(self, stream: _Stream) -> Iterator[None]:
        self.log.append(f"on {stream.name}")
        yield
        self.log.append(f"off {stream.name}")

    @contextlib.contextmanager
    def graph(self, recorded: _Recorded) -> Iterator[None]:
        self.log.append("capture")
        with recorded:
            yield


def test_it_warms_up_on_a_stream_of_its_own_and_then_captures() -> None:
    cuda = _StandIn()

    def call() -> None:
        cuda.log.append("call")

    captured = graph.capture(call, cuda)
    assert captured.source is call  # a graph does not keep the tensors that it reads
    assert cuda.log == [
        "side waits for main",
        "on side",
        *["call"] * 3,
        "off side",
        "main waits for side",
        "capture",
        "call",
    ]


@pytest.mark.parametrize("reuse", [False, True])
def test_a_replay_computes_from_what_the_image_holds_then(reuse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = _StandIn()
    for name in ("Stream", "current_stream", "stream", "CUDAGraph", "graph"):
        monkeypatch.setattr(torch.cuda, name, getattr(cuda, name))
    conv2d, replayed = find("torch.conv2d"), find("cuda.graph[torch.conv2d]")
    (switch,) = replayed.switches
    prepare = switch.prepare if reuse else replayed.prepare
    assert prepare is not None
    image, weight, bias = as_given(conv2d, make_data(CASE, seed=1))
    call = prepare(CASE, image, weight, bias)
    other = make_data(CASE, seed=2).image
    with torch.inference_mode():
        first = call()
        image.copy_(torch.from_numpy(other))
        second = call()
    assert (first.data_ptr() == second.data_ptr()) == reuse
    answer = check(CASE, second, other, weight, bias)
    assert answer.correct, answer.reason


def test_it_is_there_where_what_it_replays_is_and_a_gpu() -> None:
    without = find("cuda.graph[torch.conv2d]").available(CASE)
    assert without.available == torch.cuda.is_available()
    declines = graph.replayed(find("article.torch_loop")).available(CASE)
    assert declines.reason.startswith("the article's listing handles only")
