"""Where a run's report and traces are, and a small server that hands one trace to Perfetto."""

from __future__ import annotations

import http.server
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from profiler.errors import RunDirectoryError, UsageError
from profiler.records import Captured
from profiler.store import RunDirectory

__all__ = ["Places", "TraceServer", "find_trace", "places"]

# The address Perfetto's content policy lets its page read from, and the page that reads it.
# https://perfetto.dev/docs/visualization/deep-linking-to-perfetto-ui
_PERFETTO = "https://ui.perfetto.dev"
_HOST, _PORT = "127.0.0.1", 9001
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Places:
    """Name the files of a run that a person opens."""

    report: Path | None
    markdown: Path | None
    traces: dict[str, Path]

    def as_dict(self) -> dict[str, Any]:
        """Give the paths as texts."""
        return {
            "report": str(self.report) if self.report else None,
            "markdown": str(self.markdown) if self.markdown else None,
            "traces": {name: str(path) for name, path in self.traces.items()},
        }

    def as_text(self) -> str:
        """List the paths for a terminal."""
        lines = [f"report    {self.report or 'not written yet: run `convprof analyze --resume` on this folder'}"]
        lines += [f"markdown  {self.markdown}"] if self.markdown else []
        lines += [f"trace     {path}  ({name})" for name, path in self.traces.items()]
        lines += ["", "A trace opens in https://ui.perfetto.dev (drag the file there) or with --trace NAME."]
        return "\n".join(lines)


def places(run: RunDirectory) -> Places:
    """Find what a run holds for the eye; a folder without a report yet has None."""
    traces = {
        f"{record.implementation} on {record.case}": (run.path / record.trace).resolve()
        for record in run.records()
        if isinstance(record, Captured) and record.trace
    }
    return Places(
        report=run.html_path.resolve() if run.html_path.is_file() else None,
        markdown=run.report_path.resolve() if run.report_path.is_file() else None,
        traces=traces,
    )


def find_trace(run: RunDirectory, implementation: str) -> Path:
    """Find the trace of one implementation, of the first case it was captured on; raises UsageError."""
    captured = [record for record in run.records() if isinstance(record, Captured)]
    for record in captured:
        if record.implementation == implementation and record.trace:
            path = run.path / record.trace
            if not path.is_file():
                raise RunDirectoryError(f"{path} is missing, though the journal lists it; capture again in a new run")
            return path.resolve()
    names = ", ".join(record.implementation for record in captured if record.trace) or "none"
    raise UsageError(f"{run.path} has no trace of {implementation!r}; it has: {names}")


class TraceServer:
    """Hand one file to Perfetto's page from this machine; nothing leaves it but to that page, in the user's browser."""

    def __init__(self, path: Path, port: int = _PORT) -> None:
        self._path = path
        self._read = False
        try:
            self._server = http.server.HTTPServer((_HOST, port), self._handler())
        except OSError as error:
            raise UsageError(
                f"port {port}, the one Perfetto reads from, is taken ({error}); close what uses it, "
                f"or drag {path} into {_PERFETTO}"
            ) from error
        self._server.timeout = _PATIENCE_S

    @property
    def address(self) -> str:
        """Give the trace's address on this machine."""
        return f"http://{_HOST}:{self._server.server_port}/{urllib.parse.quote(self._path.name)}"

    @property
    def perfetto_url(self) -> str:
        """Give the address that opens the trace in Perfetto."""
        return f"{_PERFETTO}/#!/?url={self.address}"

    def as_text(self) -> str:
        """Say what happens and what to do where no browser opens."""
        return f"{self._path}\nopen {self.perfetto_url}\nwaiting up to {_PATIENCE_S:g} s for the page to read it ..."

    def serve_until_read(self) -> bool:
        """Answer until the trace was read once or nobody asked for a while; say whether it was read."""
        while not self._read:
            asked = False

            def note_request() -> None:
                nonlocal asked
                asked = True

            self._on_request = note_request
            self._server.handle_request()
            if not asked:
                return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served._on_request()
                if self.path.lstrip("/") != urllib.parse.quote(served._path.name):
                    self.send_error(404)
                    return
                content = served._path.read_bytes()
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", _PERFETTO)
                self.send_header("Content-Type", "application/gzip")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                served._read = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
                """Say nothing: only the command line prints."""

        return Handler
