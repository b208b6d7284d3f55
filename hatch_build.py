"""Builds the extension module into the wheel where a C compiler and Python's headers are; else the wheel is pure.

It is an aid, not a need: without it convprof compiles the module when first needed, or calls by ctypes.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["ExtensionHook"]


class ExtensionHook(BuildHookInterface[Any]):
    """Add the extension to the wheel's files, and the platform to its name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; an editable installation, whose source may change at any time, compiles when first needed."""
        if version != "standard":
            return
        sys.path.insert(0, self.root)
        try:
            from impls.compiled.extension import NAME, build_extension
            from impls.errors import BuildError
        finally:
            sys.path.remove(self.root)
        try:
            built = build_extension()
        except BuildError as error:
            self.app.display_warning(f"convprof: the wheel has no extension module: {error}")
            return
        name = f"{NAME}{sysconfig.get_config_var('EXT_SUFFIX')}"
        build_data["force_include"][str(built)] = str(Path("impls", "compiled", name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
