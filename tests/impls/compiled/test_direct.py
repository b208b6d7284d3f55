"""The C implementation: what the compiled library does to its process, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from impls.case import ConvCase
from impls.catalog import find
from impls.compiled.compiler import find_compiler, missing_compiler
from impls.data import as_given, make_data
from impls.errors import BuildError

CASE = ConvCase.parse("ic1ih8oc1kh3ph1")

pytestmark = pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())


def test_a_wrong_flag_is_one_line_with_the_flags_and_the_compilers_words() -> None:
    implementation = find("c.direct[-O1 -fno-such-flag]")
    with pytest.raises(
        BuildError, match=r"cannot compile direct\.c with flags '-O1 -fno-such-flag .*no-such-flag"
    ) as caught:
        implementation.prepare(CASE, *as_given(implementation, make_data(CASE, seed=1)))
    assert "\n" not in str(caught.value)


def test_an_object_that_is_no_library_is_a_build_error() -> None:
    implementation = find("c.direct[-Ddirect=another]")
    with pytest.raises(BuildError, match="cannot be loaded"):
        implementation.prepare(CASE, *as_given(implementation, make_data(CASE, seed=1)))


def test_fast_math_leaves_the_denormals_of_the_process_alone() -> None:
    probe = f"""
import numpy as np
from impls.case import ConvCase
from impls.catalog import find
from impls.data import as_given, make_data
case = ConvCase.parse({CASE.name!r})
implementation = find("c.direct[-O3 -march=native -ffast-math]")
implementation.prepare(case, *as_given(implementation, make_data(case, seed=1)))()
assert np.float32(1e-40) * np.float32(1) != 0
"""
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_arrays_stay_alive_as_long_as_the_call_that_reads_them() -> None:
    implementation = find("c.direct")
    data = make_data(CASE, seed=1)
    call = implementation.prepare(CASE, *as_given(implementation, data))
    first = call()
    clutter = [make_data(CASE, seed=seed) for seed in range(2, 40)]
    assert len(clutter) == 38
    assert (call() == first).all()
