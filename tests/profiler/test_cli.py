"""The command line as a user meets it: help, errors of one line, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from impls.compiled.compiler import find_compiler, missing_compiler
from profiler.cli import main
from profiler.errors import RunDirectoryError
from profiler.tables.files import read_parquet


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run_main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["open", "--help"]])
def test_help_imports_neither_torch_nor_pandas_nor_rich(arguments: list[str]) -> None:
    seen = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "profiler.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    imported = {line.rsplit("|", 1)[1].strip() for line in seen.stderr.splitlines() if "|" in line}
    assert not imported & {"torch", "pandas", "numpy", "rich", "matplotlib"}
    assert "Usage: convprof" in seen.stdout


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["analyse"], ["No such command 'analyse'", "analyze"]),
        (["analyze", "--tiem", "3"], ["--tiem", "--time"]),
        (["analyze", "--time", "soon"], ["soon", "--time"]),
        (["analyze", "--case", "ih"], ["'ih'", "ic1ih100oc1kh3ph1"]),
        (["analyze", "--case", "ic1ih2oc1kh5"], ["5x5 kernel does not fit", "2x2"]),
        (["analyze", "--case", "g2ic3ih9oc2kh3"], ["ic3", "g2"]),
        (["analyze", "--impl", "torch.conv2"], ["torch.conv2", "torch.conv2d"]),
        (["analyze", "--baseline", "numpy.shiftadd"], ["numpy.shiftadd", "numpy.shift_add"]),
        (["analyze", "--device", "cuda"], ["cuda", "CPU"]),
        (["analyze", "--device", "tpu"], ["tpu", "cpu"]),
        (["analyze", "--time", "inf"], ["--time is inf"]),
        (["analyze", "--impl", "caf\udce9.py:f"], ["characters that cannot be written"]),
        (["analyze", "--out", "/dev/null/run"], ["/dev/null", "can be written"]),
        (["analyze", "--resume", "nowhere"], ["nowhere", "manifest.json"]),
        (["gap", "nowhere", "a", "b"], ["nowhere", "manifest.json"]),
        (["open", "nowhere"], ["nowhere", "manifest.json"]),
        (["list", "--case", "big"], ["'big'", "article"]),
        (["list", "--asm", "c.another"], ["'c.another'", "convprof list"]),
        (["list", "--asm", "numpy.im2col"], ["numpy.im2col is not compiled from C", "c.direct"]),
    ],
)
def test_an_error_is_one_line_with_the_value_and_the_remedy(
    arguments: list[str],
    fragments: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_main(*arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("convprof: ")
    for fragment in fragments:
        assert fragment in shown.err
    assert not list(tmp_path.iterdir()), "a refused command left something behind"


def test_an_error_under_json_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("analyze", "--case", "ih", "--json") == 2
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert answer["exit_code"] == 2
    assert "'ih'" in answer["error"]


def test_debug_shows_the_stack_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("analyze", "--debug", "--case", "ih") == 2
    assert "Traceback" in capsys.readouterr().err
    assert run_main("--debug", "analyze", "--case", "ih") == 2
    assert "CaseNameError" in capsys.readouterr().err


def test_a_folder_in_use_is_not_written_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run_main("analyze", "--out", str(tmp_path)) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_list_names_what_ships_and_why_one_cannot_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("list", "--json", "--case", "mb2ic4ih9oc6kh3ph1") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["implementations"]}
    shipped = {
        "article.module", "article.numpy_loop", "article.torch_loop", "torch.conv2d", "torch.unfold", "torch.shift_add",
        "numpy.shift_add", "numpy.sliding_window", "numpy.im2col", "c.direct",
    }  # fmt: skip
    assert shipped <= set(rows)
    assert not rows["article.numpy_loop"]["available"]
    assert rows["article.numpy_loop"]["reason"]
    assert rows["torch.conv2d"]["available"]
    assert run_main("list") == 0
    assert "article.numpy_loop" in capsys.readouterr().out


@pytest.mark.skipif(find_compiler() is None, reason=missing_compiler())
def test_list_shows_what_was_built_as_text_or_as_one_object(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert run_main("list", "--asm", "c.direct[-O1]") == 0
    assert capsys.readouterr().out.startswith("c.direct[-O1] on ic1ih100oc1kh3ph1\n")
    assert run_main("list", "--asm", "c.direct[-O1]", "--case", "small", "--json") == 0
    assert json.loads(capsys.readouterr().out)["case"] == "ic1ih8oc1kh3ph1"
    assert run_main("list", "--asm", "c.another", "--json") == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


def test_doctor_names_each_subject_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("doctor", "--json") == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    subjects = [finding["subject"] for finding in findings]
    assert len(subjects) == len(set(subjects))
    assert {"torch", "C compiler", "cores", "load", "Nsight Systems", "GPU"} <= set(subjects)
    for finding in findings:
        assert finding["state"] in {"good", "note", "broken"}
        assert finding["text"]


def test_a_damaged_table_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "summary.parquet"
    broken.write_bytes(b"PAR1 no more")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        read_parquet(broken)


def test_a_stop_signal_ends_a_command_that_may_not_be_interrupted() -> None:
    """A shell without job control starts background commands with SIGINT ignored; SIGTERM must end them too."""
    script = (
        "import signal, time, profiler.cli as cli\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "cli.app.command('wait')(lambda: (print('ready', flush=True), time.sleep(60)) and None)\n"
        "cli.main(['wait'])"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_nsys_is_asked_for_in_vain_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_main("analyze", "--nsys", "--out", str(tmp_path / "run")) == 2
    answer = capsys.readouterr()
    assert answer.err.startswith("convprof: --nsys: nsys is not on PATH; install Nsight Systems from ")
    assert (answer.out, answer.err.count("\n")) == ("", 1)
    assert not (tmp_path / "run").exists()


def test_a_report_of_nsight_without_nsys_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "x.nsys-rep").write_bytes(b"NSYS")
    assert run_main("trace", str(tmp_path / "x.nsys-rep")) == 2
    assert capsys.readouterr().err == (
        f"convprof: {tmp_path / 'x.nsys-rep'} can be read only through nsys, which is not on PATH; install it, or run "
        "`nsys export --type sqlite x.nsys-rep` where it was recorded and name the .sqlite instead\n"
    )
