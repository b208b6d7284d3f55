"""Numbers and signatures of the driver as we use them, against NVIDIA's own header where it is installed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from impls.compiled.compiler import find_compiler, missing_compiler
from impls.compiled.process import run_limited
from impls.cuda import driver

_FUNCTION_ATTRIBUTES = {
    "max_threads": "CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK",
    "shared_bytes": "CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES",
    "constant_bytes": "CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES",
    "local_bytes": "CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES",
    "registers": "CU_FUNC_ATTRIBUTE_NUM_REGS",
}
NUMBERS = {
    "CUDA_SUCCESS": 0,
    "CU_JIT_ERROR_LOG_BUFFER": driver._JIT_ERROR_LOG,
    "CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES": driver._JIT_ERROR_LOG_BYTES,
    "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR": driver._CAPABILITY_MAJOR,
    "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR": driver._CAPABILITY_MINOR,
    **{_FUNCTION_ATTRIBUTES[name]: number for name, number in driver._FUNCTION_ATTRIBUTES.items()},
}
# As driver.py and launcher.py call them; a name with its version is there only where the header means that version.
SIGNATURES = {
    "cuInit": "unsigned",
    "cuGetErrorName": "CUresult, const char **",
    "cuGetErrorString": "CUresult, const char **",
    "cuCtxGetCurrent": "CUcontext *",
    "cuCtxGetDevice": "CUdevice *",
    "cuDeviceGetAttribute": "int *, CUdevice_attribute, CUdevice",
    "cuModuleLoadDataEx": "CUmodule *, const void *, unsigned, CUjit_option *, void **",
    "cuModuleGetFunction": "CUfunction *, CUmodule, const char *",
    "cuModuleGetGlobal_v2": "CUdeviceptr *, size_t *, CUmodule, const char *",
    "cuMemcpyDtoDAsync_v2": "CUdeviceptr, CUdeviceptr, size_t, CUstream",
    "cuStreamSynchronize": "CUstream",
    "cuFuncGetAttribute": "int *, CUfunction_attribute, CUfunction",
    "cuLaunchKernel": "CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, "
    "void **, void **",
}


def _header() -> Path | None:
    toolkits = [*filter(None, [os.environ.get("CUDA_HOME")]), *map(str, sorted(Path("/usr/local").glob("cuda*")))]
    return next((path for toolkit in toolkits if (path := Path(toolkit) / "include/cuda.h").is_file()), None)


def test_they_are_those_of_the_header(tmp_path: Path) -> None:
    header, compiler = _header(), find_compiler()
    if header is None:
        pytest.skip("cuda.h is not installed: get the CUDA toolkit")
    if compiler is None:
        pytest.skip(missing_compiler())
    # An error that has a remedy has to be one: its name is an enumerator.
    errors = [f'_Static_assert({name} > 0, "");' for name in driver._REMEDIES]
    numbers = [f'_Static_assert({name} == {number}, "{name}");' for name, number in NUMBERS.items()]
    functions = [f"CUresult (*use_{name})({types}) = {name};" for name, types in SIGNATURES.items()]
    source = tmp_path / "uses.c"
    source.write_text("\n".join(["#include <cuda.h>", *errors, *numbers, *functions, ""]))
    options = ["-fsyntax-only", "-Werror", f"-I{header.parent}", str(source)]
    code, said = run_limited([*compiler.command, *options], 60)
    assert code == 0, said


def test_every_function_that_is_called_is_among_them() -> None:
    called = set(re.findall(r"\bcu[A-Z]\w+", Path(driver.__file__).read_text()))
    assert called == set(SIGNATURES)
