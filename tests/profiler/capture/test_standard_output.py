"""What Python, the C library and a child process write is kept, and the descriptor is given back."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: pytest puts another object in the place of sys.stdout.
_PROGRAM = """
import ctypes, os, subprocess
from profiler.capture.standard_output import standard_output

lines = []
print("before")
with standard_output(lines):
    print("by Python")
    ctypes.CDLL(None).puts(b"by C")
    os.write(1, b"by the descriptor \\xff\\n")
    subprocess.run(["echo", "by a child"], check=True)
print("kept", sorted(lines))
try:
    with standard_output(lines):
        raise ZeroDivisionError
except ZeroDivisionError:
    print("after")
"""


def test_all_that_reaches_the_descriptor_is_kept_and_it_is_given_back() -> None:
    command = [sys.executable, "-X", "utf8", "-c", _PROGRAM]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    kept = ["by C", "by Python", "by a child", "by the descriptor \N{REPLACEMENT CHARACTER}"]
    assert answer.stdout == f"before\nkept {kept}\nafter\n"
