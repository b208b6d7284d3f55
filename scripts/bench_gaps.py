"""Run the known real gaps, and print what the tables say of their mechanism.

gaps [--only LETTER] [--keep FOLDER] [--time SECONDS]

Each is one `convprof analyze` and a look at named tables. Judges nothing: exit code 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_DENORMAL = """
import torch
from torch.nn import functional

def _convolved(image: torch.Tensor, weight: torch.Tensor, scale: float) -> torch.Tensor:
    extra = functional.conv2d(image, weight * scale, padding=1)
    return functional.conv2d(image, weight, padding=1) + 0 * extra

def denormal(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return _convolved(image, weight, 1e-39)

def normal(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return _convolved(image, weight, 1e-3)
"""


@dataclass(frozen=True)
class Gap:
    """Name a gap, the arguments of analyze, and the tables to print with the rows to keep."""

    letter: str
    what: str
    arguments: tuple[str, ...]
    tables: tuple[str, ...]


_ONE = ("--threads", "1")
_PAIR = ("--impl", "torch.conv2d", "--impl", "torch.shift_add")
GAPS = (
    Gap("a", "1024x1024: page faults of 16-channel blocks", ("--case", "ic1ih1024oc1kh3ph1", *_PAIR, *_ONE),
        ("attribution", "switches", "memory")),
    Gap("b", "8x8: the fixed cost of a call reverses the order", ("--case", "ic1ih8oc1kh3ph1", *_PAIR, *_ONE),
        ("attribution",)),
    Gap("c", "16 output channels cost hardly more than one",
        ("--case", "ic1ih512oc1kh3ph1", "--case", "ic1ih512oc16kh3ph1", "--impl", "torch.conv2d", *_ONE),
        ("summary", "memory")),
    Gap("d", "denormal weights", ("--case", "ic1ih512oc1kh3ph1", "--impl", "{file}:denormal", "--impl", "{file}:normal",
                                  "--baseline", "{file}:normal", "--impl", "torch.conv2d", *_ONE),
        ("attribution", "switches")),
    Gap("e", "two threads on a small image", ("--case", "ic1ih200oc1kh3ph1", *_PAIR, "--threads", "2"),
        ("budget", "switches")),
    Gap("f", "channels_last on one channel", ("--case", "ic1ih512oc1kh3ph1", "--impl", "torch.conv2d", *_ONE),
        ("switches",)),
    Gap("g", "im2col temporaries",
        ("--case", "ic1ih100oc1kh3ph1", "--impl", "torch.conv2d", "--impl", "c.direct", *_ONE),
        ("attribution", "memory")),
    Gap("h", "autograd bookkeeping", ("--case", "ic1ih8oc1kh3ph1", "--impl", "article.module", *_ONE),
        ("switches", "attribution")),
    Gap("i", "the first call against the thousandth", ("--case", "ic1ih512oc1kh3ph1", "--impl", "torch.conv2d", *_ONE),
        ("cold", "summary")),
)  # fmt: skip
_COLUMNS = {
    "attribution": ["subject", "cause", "seconds", "ci_low_s", "ci_high_s", "status", "evidence"],
    "budget": ["implementation", "threads", "cause", "seconds", "status", "evidence"],
    "switches": ["implementation", "threads", "switch", "seconds", "minor_faults_as_is", "minor_faults_switched",
                 "status", "evidence"],
    "memory": ["implementation", "case", "scratch_bytes", "minor_faults"],
    "summary": ["implementation", "case", "threads", "median_s", "ratio"],
    "cold": ["implementation", "stage", "median_s"],
}  # fmt: skip


def main() -> None:
    """Run the gaps that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="letters of the gaps to run")
    parser.add_argument("--keep", type=Path, help="folder for the runs, kept")
    parser.add_argument("--time", type=float, default=60.0, help="seconds for each run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for gap in GAPS:
            if gap.letter in given.only or not given.only:
                _show(gap, folder, given.time)


def _show(gap: Gap, folder: Path, seconds: float) -> None:
    file = folder / "denormals.py"
    file.write_text(_DENORMAL)
    out = folder / f"gap-{gap.letter}"
    words = [word.format(file=file) for word in gap.arguments]
    command = [sys.executable, "-P", "-m", "profiler.cli", "analyze", *words, "--time", str(seconds), "--out", str(out)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    print(f"\n({gap.letter}) {gap.what}: analyze {' '.join(gap.arguments)}", flush=True)
    if finished.returncode:
        print(f"analyze ended with {finished.returncode}: {finished.stderr.strip().splitlines()[-1]}")
        return
    for name in gap.tables:
        frame = pd.read_parquet(out / "tables" / f"{name}.parquet")[_COLUMNS[name]]
        if "seconds" in frame:
            frame = frame[frame["seconds"] != 0]  # what was not measured stays, with the reason
        print(frame.to_string(index=False, max_colwidth=110), flush=True)


if __name__ == "__main__":
    main()
