"""Each rule refuses for its own reason, and for no other."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from profiler.attribution.refusals import REFUSALS, Side, Standing, reasons
from profiler.records import Notice

_SIDE = Side("some.code", "ok", "", 100e-6, aa_floor=0.01, process_disagreement=0.01, steady=True)
_SOUND = Standing(
    subject=_SIDE,
    case="ic1ih100oc1kh3ph1",
    baseline=replace(_SIDE, implementation="torch.conv2d", median_s=20e-6),
    gap_s=80e-6,
    residual_s=10e-6,
    threads=1,
    usable_cores=2,
    notices=(Notice(code="not_pinned", text="pinning is not permitted"),),
)


def test_a_sound_gap_is_not_refused() -> None:
    assert reasons(_SOUND) == ()
    assert len(REFUSALS) == len(set(REFUSALS)) == 8


@pytest.mark.parametrize(
    ("changed", "fragments"),
    [
        ({"subject": replace(_SIDE, status="wrong", reason="off by 3")}, ["some.code is wrong: off by 3"]),
        (
            {"subject": replace(_SIDE, median_s=20.3e-6), "gap_s": 0.3e-6, "residual_s": 0.0},
            ["300 ns", "twice the A/A floor", "1.0 %"],
        ),
        ({"subject": replace(_SIDE, steady=False)}, ["no steady state", "some.code"]),
        ({"subject": replace(_SIDE, process_disagreement=0.08)}, ["processes disagree by more than 5.0 %", "8.0 %"]),
        ({"notices": (Notice(code="busy_host", text="0.9 processors busy"),)}, ["busy", "0.9 processors busy"]),
        ({"threads": 4}, ["4 threads", "2 usable cores"]),
        (
            {
                "notices": (
                    Notice(
                        code="unsound_trace",
                        text="events overlap",
                        implementation="some.code",
                        case="ic1ih100oc1kh3ph1",
                    ),
                )
            },
            ["unsound", "overlap"],
        ),
        ({"residual_s": -21e-6}, ["residual is 26 % of the gap"]),
    ],
)
def test_each_rule(changed: dict[str, object], fragments: list[str]) -> None:
    found = reasons(replace(_SOUND, **changed))
    assert len(found) == 1, found
    for fragment in fragments:
        assert fragment in found[0]


def test_what_cannot_change_the_gap_does_not_refuse_it() -> None:
    torn = replace(_SOUND.baseline, process_disagreement=0.2)  # 4 us of a side of 100 us
    assert reasons(replace(_SOUND, baseline=torn)) == ()
    for name, case in (("some.code[-O0]", "ic1ih100oc1kh3ph1"), ("some.code", "ic1ih8oc1kh3ph1")):
        other = Notice(code="unsound_trace", text="some.code: events overlap", implementation=name, case=case)
        assert reasons(replace(_SOUND, notices=(other,))) == ()


def test_a_gap_of_many_times_is_above_any_floor_that_is_less() -> None:
    noisy = replace(_SOUND.baseline, aa_floor=1.0, process_disagreement=0.0)  # up to twice as long
    assert reasons(replace(_SOUND, baseline=noisy)) == ()
    assert len(reasons(replace(_SOUND, baseline=replace(noisy, aa_floor=1.3)))) == 1


def test_what_is_not_known_does_not_refuse() -> None:
    unknown = replace(_SIDE, aa_floor=math.nan, process_disagreement=math.nan, steady=None)
    assert reasons(replace(_SOUND, subject=unknown, baseline=replace(unknown, median_s=20e-6))) == ()
