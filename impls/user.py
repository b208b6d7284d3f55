"""A reader's own implementations: a function in a file, or an installed package's entry point."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast, get_args

from impls.case import ConvCase
from impls.catalog import find
from impls.contract import Call, ErrorBound, Implementation
from impls.errors import UnknownImplementation, UserFunctionError
from impls.signature import read_signature

__all__ = ["ENTRY_POINT_GROUP", "entry_point_names", "load_entry_point", "load_file", "name_of", "resolve"]

ENTRY_POINT_GROUP = "convprof.implementations"


def resolve(source: Literal["catalog", "file", "entry_point"], location: str, name: str) -> Implementation:
    """Give an implementation of a plan; raises UnknownImplementation or UserFunctionError.

    `location` is 'path.py:function' for a file and unused otherwise. What the reader's own module raises when it is
    imported passes through.
    """
    if source == "file":
        return load_file(location)
    return load_entry_point(name) if source == "entry_point" else find(name)


def name_of(location: str) -> str:
    """Give the name of 'path.py:function' in all tables, '<stem>:<function>', the file untouched."""
    path, function = _split(location)
    return f"{path.stem}:{function}"


def load_file(location: str) -> Implementation:
    """Import a file and make its function an implementation; raises UserFunctionError.

    The function is called as f(image, weight) with tensors, or with arrays where an annotation of image or weight says
    so. It gets bias, stride, padding, dilation and groups where it has parameters of these names. Its attribute
    `error_bound = "transform"` says that it computes through an FFT or the like. The file's folder is importable from
    it, as when Python runs the file.
    """
    path, function_name = _split(location)
    if not path.is_file():
        raise UserFunctionError(f"{path} is not a file{_resembling_file(path)}; correct the path")
    module = _imported(path)
    function = getattr(module, function_name, None)
    if function is None:
        known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        close = difflib.get_close_matches(function_name, known)
        hint = f"did you mean {' or '.join(close)}?" if close else "name one that it defines"
        raise UserFunctionError(f"{path.name} has no function {function_name!r}; {hint}")
    return _from_function(function, name_of(location))


def entry_point_names() -> list[str]:
    """Name what installed packages offer in the group `convprof.implementations`, sorted; imports none of it."""
    return sorted({entry.name for entry in entry_points(group=ENTRY_POINT_GROUP)})


def load_entry_point(name: str) -> Implementation:
    """Import an entry point, a function as in a file or an Implementation.

    Raises UnknownImplementation where no package offers it, UserFunctionError where it cannot be loaded.
    """
    found = entry_points(group=ENTRY_POINT_GROUP, name=name)
    if not found:
        close = difflib.get_close_matches(name, entry_point_names())
        hint = f"did you mean {' or '.join(close)}?" if close else "install the package that offers it"
        raise UnknownImplementation(f"no installed package offers {name!r}; {hint}")
    loaded = _loaded(next(iter(found)))
    return replace(loaded, name=name) if isinstance(loaded, Implementation) else _from_function(loaded, name)


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise UserFunctionError(
            f"entry point {entry.name!r} ({entry.value}) cannot be imported: {error}; repair or remove its package"
        ) from error


def _split(location: str) -> tuple[Path, str]:
    file, separator, function = location.rpartition(":")
    if not separator or not file or not function:
        raise UserFunctionError(f"{location!r} names no function; write it as path/to/file.py:function")
    path = Path(file)
    if path.suffix != ".py":
        raise UserFunctionError(f"{file!r} is not a Python file; write it as path/to/file.py:function")
    return path, function


def _resembling_file(path: Path) -> str:
    siblings: list[str] = []
    with contextlib.suppress(OSError):
        siblings = [sibling.name for sibling in path.parent.glob("*.py")]
    close = difflib.get_close_matches(path.name, siblings)
    return f", did you mean {' or '.join(close)}?" if close else ""


def _imported(path: Path) -> ModuleType:
    """Import a file under a name that no other module has; a file is imported once a process."""
    path = path.resolve()
    name = f"convprof_user_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserFunctionError(f"{path} cannot be imported; write it as path/to/file.py:function")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    complete = False
    try:
        spec.loader.exec_module(module)
        complete = True
    except SyntaxError as error:
        file = Path(error.filename or path).name
        raise UserFunctionError(f"{file}, line {error.lineno}: {error.msg}; correct the file") from error
    finally:
        if not complete:
            del sys.modules[name]
    return module


def _from_function(function: Any, name: str) -> Implementation:
    if not callable(function):
        raise UserFunctionError(f"{name} is not a function but {type(function).__name__}; name a function")
    signature = read_signature(function, name)
    described = inspect.getdoc(function) if inspect.isroutine(function) else None
    return Implementation(
        name=name,
        family="manual",
        arrays=signature.arrays,
        summary=described.strip().splitlines()[0] if described and described.strip() else "a reader's own function",
        prepare=_preparing(function, signature.arguments),
        available=signature.available,
        error_bound=_error_bound(function, name),
        devices=("cpu", "cuda") if signature.arrays == "torch" else ("cpu",),
    )


def _error_bound(function: Any, name: str) -> ErrorBound:
    declared = getattr(function, "error_bound", "direct")
    for known in get_args(ErrorBound):
        if isinstance(declared, str) and declared == known:
            return cast(ErrorBound, known)
    raise UserFunctionError(
        f"{name} has error_bound {declared!r}; make it {' or '.join(map(repr, get_args(ErrorBound)))}"
    )


def _preparing(
    function: Callable[..., Any], arguments: Callable[[ConvCase, Any], dict[str, Any]]
) -> Callable[[ConvCase, Any, Any, Any], Call]:
    def prepare(case: ConvCase, image: Any, weight: Any, bias: Any) -> Call:
        # partial, not a function of ours: no Python frame is added to the reader's own.
        return functools.partial(function, image, weight, **arguments(case, bias))

    return prepare
