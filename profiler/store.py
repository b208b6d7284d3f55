"""The run directory: where phases meet, in files that survive a kill at any moment."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from profiler.errors import RunDirectoryError
from profiler.manifest import MANIFEST_VERSION, Manifest
from profiler.records import AnyRecord, decode, encode

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Journal", "RunDirectory", "file_stem", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader or a later run sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def file_stem(*names: str) -> str:
    """Make a file name's stem from names that may hold anything; different names give different stems."""
    joined = "--".join(names)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", joined).strip("_.")
    if plain == joined:
        return plain
    return f"{plain[:80]}-{hashlib.sha256(joined.encode()).hexdigest()[:8]}"


class Journal:
    """Append records to the run's journal, each on disk before the next is asked for.

    There is one writer at a time; RunDirectoryError where another has the journal open. The system itself lets go of
    the journal of a writer that dies.
    """

    def __init__(self, path: Path) -> None:
        with contextlib.ExitStack() as stack:
            self._file = stack.enter_context(path.open("ab"))
            _lock(self._file, path)
            _cut_partial_line(self._file, path)
            stack.pop_all()

    def append(self, record: AnyRecord) -> None:
        """Write one record and hand it to the operating system, so that killing convprof cannot lose it."""
        self._file.write(encode(record))
        self._file.flush()

    def close(self) -> None:
        """Close the file, and let go of it even where a program just started has not closed its copy yet."""
        if not self._file.closed:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunDirectoryError(
            f"{path.parent} is still being written by another convprof; wait for it or stop it"
        ) from error
    except OSError:  # a file system without locks, such as some network ones: nothing would be gained by refusing it
        return


def _cut_partial_line(file: IO[bytes], path: Path) -> None:
    """Drop what a killed writer left of its last line, so that the next line does not continue it."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)


class RunDirectory:
    """Name the files of one run and read and write those that every phase shares."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_path = path / "manifest.json"
        self.journal_path = path / "journal.jsonl"
        self.samples_path = path / "samples.parquet"
        self.traces = path / "traces"
        self.tables = path / "tables"
        self.plots = path / "plots"
        self.logs = path / "logs"
        self.report_path = path / "report.md"
        self.html_path = path / "report.html"

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open an existing run; raises RunDirectoryError."""
        run = cls(path)
        if not run.manifest_path.is_file():
            raise RunDirectoryError(
                f"{path} is not a run directory (it has no manifest.json); name a folder that `convprof analyze` wrote"
            )
        run.manifest()
        return run

    def manifest(self) -> Manifest:
        """Read the plan; raises RunDirectoryError where it is damaged or of another version."""
        try:
            manifest = msgspec.json.decode(self.manifest_path.read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError) as error:
            raise RunDirectoryError(f"{self.manifest_path} cannot be read ({error}); measure again") from error
        if manifest.version != MANIFEST_VERSION:
            raise RunDirectoryError(
                f"{self.manifest_path} has version {manifest.version}, this convprof reads {MANIFEST_VERSION}; "
                f"use convprof {manifest.convprof} or measure again"
            )
        return manifest

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the plan."""
        write_atomically(self.manifest_path, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")

    def journal(self) -> Journal:
        """Open the journal for appending; raises RunDirectoryError where another process, or this one, has it open."""
        self.path.mkdir(parents=True, exist_ok=True)
        return Journal(self.journal_path)

    def records(self) -> list[AnyRecord]:
        """Read every whole record of the journal; a last line cut by a kill is passed over.

        Raises RunDirectoryError where a line before the last is damaged.
        """
        if not self.journal_path.exists():
            return []
        lines = self.journal_path.read_bytes().split(b"\n")
        return list(self._decoded(lines[:-1]))  # what follows the last newline is a cut line, or empty

    def _decoded(self, lines: Iterable[bytes]) -> Iterable[AnyRecord]:
        for number, line in enumerate(lines, start=1):
            try:
                yield decode(line)
            except msgspec.DecodeError as error:
                raise RunDirectoryError(
                    f"{self.journal_path}, line {number} is damaged ({error}); remove the line or measure again"
                ) from error

    def write_frame(self, frame: pd.DataFrame, path: Path) -> None:
        """Write a frame as Parquet, atomically."""
        write_atomically(path, frame.to_parquet(index=False))

    def log_path(self, name: str) -> Path:
        """Give the path of a worker's log, its folder made."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{name}.log"
