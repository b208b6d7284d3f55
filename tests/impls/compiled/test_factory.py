"""What the making of implementations from C sources adds: availability that a flag decides, and the switch."""

from __future__ import annotations

import platform

import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled.compiler import find_compiler, missing_compiler
from impls.data import as_given, make_data

CASE = ConvCase.parse("ic1ih8oc1kh3ph1")

pytestmark = pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())


def test_a_vector_width_of_x86_is_declined_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    implementation = find("c.direct[-O3 -march=native -mprefer-vector-width=512]")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    answer = implementation.available(CASE)
    assert answer.reason == "-mprefer-vector-width=512 is for x86, and this machine is aarch64; leave it out"
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    assert implementation.available(CASE).available
    assert find("c.direct[-O3 -march=native]").available(CASE).available


@pytest.mark.parametrize("name", ["c.direct", "c.constant_kernel"])
def test_the_switch_writes_into_one_buffer(name: str) -> None:
    implementation = find(name)
    (switch,) = implementation.switches
    assert switch.prepare is not None
    given = as_given(implementation, make_data(CASE, seed=1))
    call = switch.prepare(CASE, *given)
    assert call() is call()
    assert (call() == implementation.prepare(CASE, *given)()).all()
