"""Words for one step inside the library."""

from __future__ import annotations

import math
import re

from profiler.trace.onednn import Line, Spoken

__all__ = ["backend_words", "block_words", "line_words"]

# What torch's names of backends stand for; those of its enumeration ConvBackend.
_MEANINGS = {
    "Mkldnn": "oneDNN",
    "Slow2d": "its own: columns, then a matrix product",
    "SlowDilated2d": "its own for dilated kernels: columns, then a matrix product",
    "Winograd3x3Depthwise": "its own Winograd for depthwise 3x3",
    "NnpackSpatial": "NNPACK",
    "Xnnpack2d": "XNNPACK",
}
_ONEDNN = "Mkldnn"
_CHANNEL = "b"  # the second dimension of a destination, in oneDNN's letters
_BLOCK = re.compile(rf"(\d+){_CHANNEL}")
_CHANNELS = re.compile(r"oc(\d+)")


def backend_words(name: str, spoken: Spoken) -> str:
    """Say what torch chooses, for oneDNN with its version and the instruction set it uses."""
    meaning = _MEANINGS.get(name, "")
    if name == _ONEDNN:
        meaning = ", ".join(filter(None, [f"oneDNN {spoken.version}".strip(), spoken.instructions]))
    return f"torch chooses {name}" + (f" ({meaning})" if meaning else "")


def line_words(line: Line) -> str:
    """Say what a primitive is, or does."""
    source, weights, destination = (line.layouts.get(name, "") for name in ("src", "wei", "dst"))
    if line.operation == "create":
        way = {"hit": "finds in its cache", "miss": "makes anew"}.get(line.cache, "makes")
        return f"oneDNN {way} the {line.primitive} {line.implementation}"
    if line.primitive == "reorder":
        return f"oneDNN copies {line.problem} from {source} to {destination}"
    layouts = [f"{name} {layout}" for name, layout in (("source", source), ("weights", weights)) if layout]
    layouts += [f"destination {destination}"] if destination else []
    words = f"oneDNN runs {line.implementation}" + (f" on {', '.join(layouts)}" if layouts else "")
    if line.primitive != "convolution":
        words = f"oneDNN runs {line.primitive} by {line.implementation}"
    block = block_words(destination, line.problem)
    return f"{words}: {block}" if block else words


def block_words(layout: str, problem: str) -> str:
    """Say into what blocks a convolution's output channels are filled up; '' where none of their values is surplus."""
    size = math.prod(int(size) for size in _BLOCK.findall(layout))
    channels = _CHANNELS.search(problem)
    if channels is None or size <= 1 or int(channels[1]) % size == 0:
        return ""
    number = int(channels[1])
    written = math.ceil(number / size) * size
    subject = "the one output channel is" if number == 1 else f"the {number} output channels are"
    kind = f"a block of {size}" if written == size else f"blocks of {size}"
    return f"{subject} written as {kind} ({layout}), {written / number:.3g} times the values"
