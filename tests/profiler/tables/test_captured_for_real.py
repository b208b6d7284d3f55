"""The article's torch loop, captured for real, has the operators that one can count by hand."""

from __future__ import annotations

import msgspec
import pytest

from impls.case import ConvCase
from impls.catalog import find
from profiler.capture.counting import count_calls, prepared_twice
from profiler.capture.torch_profiler import record_calls
from profiler.labels import CallLabel
from profiler.records import Captured, Notice, Outcome
from profiler.store import RunDirectory
from profiler.tables.build import build_tables
from profiler.tables.files import read_table
from profiler.tables.launches import LAUNCHES
from profiler.tables.memory import MEMORY
from profiler.tables.ops import OPS
from profiler.tables.python import PYTHON
from profiler.trace.kineto import read_trace

NAME = "article.torch_loop"
CASE = ConvCase.parse("ic1ih5iw7oc1kh3ph1")
PIXELS, CALLS = 5 * 7, 2

# One pixel of the listing, `output[0, 0, i, j] = torch.sum(padded[0, 0, i : i + 3, j : j + 3] * weight)`:
#   reading the image    2 selects (the two leading zeros) and 2 slices, each with an as_strided within
#   * weight             1 mul
#   torch.sum            1 sum, within it another sum (over all dimensions, into a fresh output), as_strided and fill_
#   writing the output   4 selects, each with an as_strided within; 1 copy_
# Leaves, which enter no other operator: 9 as_strided, mul, fill_, copy_.
PER_PIXEL = {
    "aten::select": (6, 0),
    "aten::slice": (2, 0),
    "aten::as_strided": (9, 9),
    "aten::mul": (1, 1),
    "aten::sum": (2, 0),
    "aten::fill_": (1, 1),
    "aten::copy_": (1, 1),
}
# Once a call: F.pad copies the image into a frame of constants, the rows and columns of which it narrows by slices;
# torch.zeros makes the output.
PER_CALL = {
    "aten::pad": (1, 0),
    "aten::constant_pad_nd": (1, 0),
    "aten::empty": (2, 2),
    "aten::fill_": (1, 1),
    "aten::narrow": (4, 0),
    "aten::slice": (4, 0),
    "aten::as_strided": (4, 4),
    "aten::copy_": (1, 1),
    "aten::zeros": (1, 0),
    "aten::zero_": (1, 1),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("real") / "run"
    hand_built = RunDirectory(folder)
    prepared = prepared_twice(find(NAME), CASE, seed=5)
    counts = count_calls(prepared, [], 0.0)
    labels = [CallLabel(NAME, CASE.name, number) for number in range(CALLS)]
    record_calls(prepared.seen, labels, hand_built.traces / "loop.json.gz", detailed=True)
    (hand_built.traces / "loop.counts.json").write_bytes(msgspec.json.encode(counts))
    hand_built.write_manifest(_manifest())
    where = {"implementation": NAME, "case": CASE.name, "device": "cpu", "threads": 1}
    with hand_built.journal() as journal:
        journal.append(Outcome(**where, phase="check", status="ok"))
        journal.append(Captured(**where, trace="traces/loop.json.gz", counts="traces/loop.counts.json", calls=CALLS))
    build_tables(hand_built)
    return hand_built


def _manifest() -> object:
    from profiler.manifest import MANIFEST_VERSION, Environment, Manifest, PlannedImplementation

    empty = dict.fromkeys(Environment.__struct_fields__, "")
    numbers = {
        "cores": 1,
        "usable_cores": 1,
        "memory_bytes": 1,
        "load_average": 0.0,
        "caches": {},
        "packages": {},
        "accelerator": None,
    }
    return Manifest(
        version=MANIFEST_VERSION, convprof="0", created="2025-01-30T12:00:00+00:00", command=[], seed=1, device="cpu",
        cases=[CASE.name], unavailable=[], baseline=NAME, threads=[1], time_s=1.0, call_limit_s=1.0,
        implementations=[PlannedImplementation(name=NAME, family="manual", summary="", source="catalog")],
        environment=msgspec.convert({**empty, **numbers}, Environment),
    )  # fmt: skip


def test_operators_of_a_call_are_those_counted_by_hand(run: RunDirectory) -> None:
    expected = {
        op: tuple(PIXELS * PER_PIXEL.get(op, (0, 0))[place] + PER_CALL.get(op, (0, 0))[place] for place in range(2))
        for op in {**PER_PIXEL, **PER_CALL}
    }
    ops = read_table(run, OPS).set_index("op")
    assert {op: (row["calls"], row["leaf_calls"]) for op, row in ops.iterrows()} == expected
    (launches,) = read_table(run, LAUNCHES).to_dict("records")
    assert launches["ops"] == 22 * PIXELS + 20
    assert launches["leaf_ops"] == 12 * PIXELS + 9
    assert launches["kernel_launches"] == launches["synchronizations"] == 0


def test_bytes_of_a_call_are_those_counted_by_hand(run: RunDirectory) -> None:
    (memory,) = read_table(run, MEMORY).to_dict("records")
    image, frame, output = 4 * 35, 4 * 7 * 9, 4 * 35
    # A pixel: mul reads a window and the kernel and writes a window (9 numbers each), sum reads that and writes a
    # number, copy_ reads and writes a number.
    per_pixel = 4 * (9 + 9 + 9 + 9 + 1 + 1 + 1)
    assert memory["op_bytes"] == image + frame + output + PIXELS * per_pixel
    # Allocated: the frame, the output, and for each pixel a window and a number.
    assert memory["allocated_bytes"] == frame + output + PIXELS * 4 * (9 + 1)
    assert memory["allocations"] == 2 + 2 * PIXELS
    assert memory["scratch_bytes"] == 0
    # Held at once: the frame, the output, a pixel's window and number.
    assert memory["peak_bytes"] == frame + output + 4 * (9 + 1)


def test_the_trace_is_sound_and_times_add_up(run: RunDirectory) -> None:
    assert not [record for record in run.records() if isinstance(record, Notice)]
    (python,) = read_table(run, PYTHON).to_dict("records")
    own = read_table(run, OPS)["self_s"].sum()
    assert own + python["python_s"] == pytest.approx(python["range_s"], rel=1e-9)
    assert 0 < python["python_share"] < 1
    assert read_trace(run.traces / "loop.json.gz").resolution_ns == 1
