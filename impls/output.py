"""The switch that takes the output's memory once: the call then writes into it instead of into a fresh one."""

from __future__ import annotations

from impls.contract import Prepare, Switch

__all__ = ["output_buffer"]


def output_buffer(prepare: Prepare) -> Switch:
    """Make the switch from the way to prepare that reuses one output for all calls; temporaries stay as they are."""
    return Switch(
        name="output_buffer",
        cause="allocation",
        summary="the result is written into one buffer that is made beforehand",
        prepare=prepare,
    )
