"""What perf writes is read as it stands, and a machine that does not permit it says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from profiler.capture import perf
from profiler.capture.perf import PerfSample, parse_script, record_command, script_command, why_not
from profiler.stacks import JIT, KERNEL, VDSO, Frame

_TEXT = """ 2587   469.039635: 
\t         19814c4 at::TensorIteratorBase::serial_for_each(c10::function_ref<void (char**, long)>, long) (/site/torch/lib/libtorch_cpu.so)
\t          1640df __memmove_evex_unaligned_erms (/usr/lib/libc.so.6)
\tffffffffffffffff [unknown] ([unknown])

2588   469.1: 
\tffffffff821f3046 exc_page_fault ([kernel.kallsyms])
\t         7f1 [unknown] (//anon)
\t         7f2 [unknown] ([unknown])
\t         7f3 __vdso_clock_gettime ([vdso])

 2587   469.2: 
\t         7f2 [unknown] ([unknown])

 broken head
\t         7f2 f (/lib/f.so)

 2587   469.3: 
\t         7f2 cut (/lib/f.so (deleted))
"""  # noqa: E501, W291 - as perf writes it


def test_samples_are_read_leaf_first() -> None:
    assert list(parse_script(_TEXT.splitlines(keepends=True))) == [
        PerfSample(
            2587,
            469.039635,
            (
                Frame(
                    "at::TensorIteratorBase::serial_for_each(c10::function_ref<void (char**, long)>, long)",
                    "libtorch_cpu.so",
                ),
                Frame("__memmove_evex_unaligned_erms", "libc.so.6"),
            ),
        ),
        PerfSample(
            2588,
            469.1,
            (Frame("exc_page_fault", KERNEL), Frame("", JIT), Frame("", ""), Frame("__vdso_clock_gettime", VDSO)),
        ),
        PerfSample(2587, 469.2, (Frame("", JIT),)),
        PerfSample(2587, 469.3, (Frame("cut", "f.so"),)),
    ]


def test_a_kernel_that_hides_its_work_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perf.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(perf.shutil, "which", lambda _: "/usr/bin/perf")
    level = tmp_path / "perf_event_paranoid"
    level.write_text("2\n")
    assert why_not(level).startswith("kernel.perf_event_paranoid is 2")


def test_without_perf_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perf.shutil, "which", lambda _: None)
    assert "install it" in why_not()


@pytest.mark.skipif(bool(why_not()), reason=f"CPU samples cannot be taken here: {why_not()}")
def test_a_real_recording_shows_the_interpreter(tmp_path: Path) -> None:
    busy = "import time\nend = time.monotonic() + 1.0\nwhile time.monotonic() < end: sum(range(100))"
    with subprocess.Popen([sys.executable, "-c", busy]) as process:
        recorded = tmp_path / "perf.data"
        subprocess.run(record_command(process.pid, 997, recorded), check=False, capture_output=True)
        process.wait()
    text = subprocess.run(script_command(recorded), capture_output=True, text=True, check=True).stdout
    samples = list(parse_script(text.splitlines(keepends=True)))
    assert len(samples) > 20
    assert any("python" in frame.library for sample in samples for frame in sample.frames)
