"""Every ceiling is measured, on this machine as it is."""

from __future__ import annotations

from profiler.measure.ceilings import WORKING_SETS, measure_ceilings


def test_every_ceiling_is_measured_once_and_holds_its_own_range() -> None:
    ceilings = list(measure_ceilings(device="cpu", threads=1, process=4))
    names = [(ceiling.name, ceiling.working_set_bytes) for ceiling in ceilings]
    assert names == [
        *[("copy_bandwidth", size) for size in WORKING_SETS],
        ("multiply_add_peak", 0),
        ("page_fault", 0),
        ("instruction", 0),
        ("wait", 0),
        ("clock", 0),
    ]
    for ceiling in ceilings:
        assert 0 <= ceiling.low <= ceiling.value <= ceiling.high
        assert ceiling.high > 0
        assert (ceiling.device, ceiling.threads, ceiling.process) == ("cpu", 1, 4)
    assert WORKING_SETS[0] == 16 * 1024
    assert WORKING_SETS[-1] == 64 * 1024**2
