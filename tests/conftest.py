"""Every test leaves the process's global state as it found it, and finds it as a fresh process has it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that writes golden files anew, and the one that asks for the tests on a GPU."""
    parser.addoption("--regenerate", action="store_true", help="write golden files anew; say in the commit why")
    parser.addoption("--gpu", action="store_true", help="run the tests that need a GPU, and fail where there is none")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that need a GPU alone where they are asked for: the others run everywhere."""
    if config.getoption("--gpu"):
        others = [item for item in items if item.get_closest_marker("gpu") is None]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs a GPU where there is none, or fail it where it was asked for."""
    if item.get_closest_marker("gpu") is None:
        return
    from impls.cuda.device import cuda_device

    answer = cuda_device()
    if answer.available:
        return
    if item.config.getoption("--gpu"):
        pytest.fail(answer.reason, pytrace=False)
    pytest.skip(answer.reason)


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    """Say whether golden files are to be written anew."""
    return bool(request.config.getoption("--regenerate"))


def _torch_state() -> dict[str, Any]:
    """Read torch's state; empty where no test has imported it, and then it is not imported here either."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "backends"):  # absent, or cut short by an import that failed
        return {}
    return {
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "running profiler": torch.autograd._profiler_enabled(),
        "oneDNN": torch.backends.mkldnn.is_available() and torch._C._get_mkldnn_enabled(),
        "cuDNN": (
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "default dtype": str(torch.get_default_dtype()),
        "dispatch modes": torch._C._len_torch_dispatch_stack(),
        "threads": torch.get_num_threads(),
    }


_FRESH = {
    "grad mode": True,
    "inference mode": False,
    "running profiler": False,
    "oneDNN": True,
    "cuDNN": (True, False, False),
    "deterministic algorithms": False,
    "default dtype": "torch.float32",
    "dispatch modes": 0,
}


def _process_state() -> dict[str, Any]:
    numpy = sys.modules.get("numpy")
    return {
        "trace function": sys.gettrace(),
        "profile function": sys.getprofile(),
        "traced memory": tracemalloc.is_tracing(),
        "NumPy's error handling": numpy.geterr() if numpy is not None and hasattr(numpy, "geterr") else None,
    }


def _assert_fresh(torch_state: dict[str, Any]) -> None:
    if torch_state:
        assert {name: torch_state[name] for name in _FRESH} == _FRESH


@pytest.fixture(autouse=True)
def clean_global_state() -> Iterator[None]:
    """Assert that grad mode, threads, backend flags and hooks are clean before a test and unchanged after it."""
    torch_before, process_before = _torch_state(), _process_state()
    _assert_fresh(torch_before)
    yield
    torch_after, process_after = _torch_state(), _process_state()
    _assert_fresh(torch_after)
    if torch_before:
        assert torch_after == torch_before
    if process_before["NumPy's error handling"] is None:
        del process_before["NumPy's error handling"], process_after["NumPy's error handling"]
    assert process_after == process_before
