"""The wheel has the extension where it can be compiled, and is pure where not; an editable installation has none."""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from impls.compiled import extension
from impls.errors import BuildError

pytest.importorskip("hatchling", reason="hatchling is not installed")
_ROOT = Path(__file__).parents[1]


class _Application:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, text: str) -> None:
        self.warnings.append(text)


def _build_data(version: str) -> tuple[dict[str, Any], list[str]]:
    spec = importlib.util.spec_from_file_location("hatch_build", _ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    application, data = _Application(), {"force_include": {}, "pure_python": True, "infer_tag": False}
    hook = module.ExtensionHook(str(_ROOT), {}, None, None, "", "wheel", application)
    hook.initialize(version, data)
    return data, application.warnings


def test_a_wheel_has_the_extension_and_names_its_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extension, "build_extension", lambda: tmp_path / "built.so")
    data, warnings = _build_data("standard")
    assert data == {
        "force_include": {str(tmp_path / "built.so"): f"impls/compiled/caller{sysconfig.get_config_var('EXT_SUFFIX')}"},
        "pure_python": False,
        "infer_tag": True,
    }
    assert warnings == []


def test_without_a_compiler_the_wheel_is_pure_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise BuildError("no C compiler")

    monkeypatch.setattr(extension, "build_extension", fail)
    data, warnings = _build_data("standard")
    assert data == {"force_include": {}, "pure_python": True, "infer_tag": False}
    assert warnings == ["convprof: the wheel has no extension module: no C compiler"]


def test_an_editable_installation_compiles_when_first_needed() -> None:
    assert _build_data("editable")[0]["force_include"] == {}
