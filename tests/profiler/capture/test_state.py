"""What a capture changes is named and set back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from profiler.capture.state import SETTINGS, describe_changes, restore, snapshot

CHANGES: dict[str, Callable[[], Any]] = {
    "torch threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "grad mode": lambda: torch.set_grad_enabled(False),
    "oneDNN": lambda: torch.backends.mkldnn.set_flags(_enabled=False),
    "cuDNN": lambda: torch.backends.cudnn.set_flags(_enabled=True, _benchmark=True, _deterministic=False),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(mode=True),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "denormal numbers": lambda: torch.set_flush_denormal(True),
    "NumPy's error handling": lambda: np.seterr(divide="ignore"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_and_set_back(name: str) -> None:
    before = snapshot()
    CHANGES[name]()
    after = snapshot()
    restore(before)
    if name == "denormal numbers" and before == after:
        pytest.skip("this processor cannot flush denormal numbers")
    (change,) = describe_changes(before, after)
    assert change == f"{name} ({before[name]} before, {after[name]} after)"
    assert snapshot() == before


def test_nothing_changed_says_nothing() -> None:
    assert describe_changes(snapshot(), snapshot()) == []


def test_modes_that_end_with_their_block_are_seen_and_left_alone() -> None:
    before = snapshot()
    with torch.inference_mode():
        within = snapshot()
    assert any("inference mode" in change for change in describe_changes(before, within))
    assert snapshot() == before


def test_settings_are_named_once() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(names) == len(set(names))
