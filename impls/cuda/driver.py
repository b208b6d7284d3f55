"""The few functions of the CUDA driver that loading and launching a kernel takes, through ctypes.

https://docs.nvidia.com/cuda/cuda-driver-api/
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any, Literal, get_args

from impls.errors import DeviceError

__all__ = ["Driver", "FunctionAttribute", "driver"]

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_JIT_ERROR_LOG, _JIT_ERROR_LOG_BYTES = 5, 6  # CU_JIT_ERROR_LOG_BUFFER and its size
_LOG_BYTES = 4096

# CUfunction_attribute, CUdevice_attribute
FunctionAttribute = Literal["max_threads", "shared_bytes", "constant_bytes", "local_bytes", "registers"]
_FUNCTION_ATTRIBUTES: dict[FunctionAttribute, int] = {name: i for i, name in enumerate(get_args(FunctionAttribute))}
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76

_NEWER_DRIVER = "update the NVIDIA driver, or install a torch for the CUDA that it supports"
_CURRENT_DEVICE = "make the tensors' device the current one, with torch.cuda.device"
_REMEDIES = {
    "CUDA_ERROR_INVALID_VALUE": "choose a smaller case: a size is beyond what the device takes",
    "CUDA_ERROR_OUT_OF_MEMORY": "free memory of the device, or choose a smaller case",
    "CUDA_ERROR_NO_DEVICE": "run on a machine with an NVIDIA GPU, and see that CUDA_VISIBLE_DEVICES does not hide it",
    "CUDA_ERROR_INVALID_IMAGE": _NEWER_DRIVER,
    "CUDA_ERROR_INVALID_CONTEXT": _CURRENT_DEVICE,
    "CUDA_ERROR_NO_BINARY_FOR_GPU": _NEWER_DRIVER,
    "CUDA_ERROR_INVALID_PTX": _NEWER_DRIVER,
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": _NEWER_DRIVER,
    "CUDA_ERROR_INVALID_HANDLE": _CURRENT_DEVICE,
    "CUDA_ERROR_NOT_FOUND": "install convprof again: its source and its launches do not belong together",
    "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES": "choose another implementation: a block needs more than the device has",
    "CUDA_ERROR_ILLEGAL_ADDRESS": "run under compute-sanitizer to see which kernel before it left its memory",
}


class Driver:
    """Call the driver; whatever it refuses is raised as DeviceError, with CUDA's name for it and a remedy.

    Modules, functions, contexts and addresses are the driver's handles, as numbers.
    """

    def __init__(self, path: str = _LIBRARY) -> None:
        """Load and initialise it; raises DeviceError."""
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise DeviceError(f"there is no CUDA driver ({error}); install NVIDIA's") from error
        for name in ("cuGetErrorName", "cuGetErrorString"):
            getattr(self._library, name).argtypes = (ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))
        self.check(self._library.cuInit(0), "initialise")
        self.launch: Any = self._library.cuLaunchKernel

    def check(self, code: int, attempted: str, said: str = "") -> None:
        """Raise DeviceError unless a call's code is that of success."""
        if code == 0:
            return
        name = self._text("cuGetErrorName", code) or f"error {code}"
        meaning = said or self._text("cuGetErrorString", code) or "no message"
        remedy = _REMEDIES.get(name, "look it up under CUresult in the documentation of CUDA's driver")
        raise DeviceError(f"the CUDA driver cannot {attempted}: {name} ({meaning}); {remedy}")

    def context(self) -> int:
        """Give the context that is current in this thread, which torch makes with its first tensor on a device."""
        context = ctypes.c_void_p()
        self.check(self._library.cuCtxGetCurrent(ctypes.byref(context)), "give the current context")
        if not context.value:
            raise DeviceError("no CUDA context is current; make a tensor on the device before, with torch")
        return context.value

    def capability(self) -> int:
        """Give the compute capability of the current context's device; 80 is 8.0."""
        return 10 * self._device_attribute(_CAPABILITY_MAJOR) + self._device_attribute(_CAPABILITY_MINOR)

    def load(self, image: bytes, name: str) -> int:
        """Load a cubin, or PTX that ends in a zero, into the current context, and give the module.

        It stays as long as the context does. `name` says in an error what it was.
        """
        module, log = ctypes.c_void_p(), ctypes.create_string_buffer(_LOG_BYTES)
        options = (ctypes.c_int * 2)(_JIT_ERROR_LOG, _JIT_ERROR_LOG_BYTES)
        values = (ctypes.c_void_p * 2)(ctypes.addressof(log), len(log))
        code = self._library.cuModuleLoadDataEx(ctypes.byref(module), image, len(options), options, values)
        said = " ".join(log.value.decode(errors="replace").split())
        self.check(code, f"load {name}", said)
        return module.value or 0

    def function(self, module: int, name: str) -> int:
        """Give a kernel of a module by its name."""
        function = ctypes.c_void_p()
        code = self._library.cuModuleGetFunction(ctypes.byref(function), ctypes.c_void_p(module), name.encode())
        self.check(code, f"find the kernel {name}")
        return function.value or 0

    def variable(self, module: int, name: str) -> int:
        """Give the address of a module's `__constant__` or `__device__` variable."""
        address, handle = ctypes.c_void_p(), ctypes.c_void_p(module)
        code = self._library.cuModuleGetGlobal_v2(ctypes.byref(address), None, handle, name.encode())
        self.check(code, f"find the variable {name}")
        return address.value or 0

    def copy_on_device(self, target: int, source: int, size: int, stream: int) -> None:
        """Copy bytes within the device after what a stream has to do, and wait until they are there."""
        addresses, handle = (ctypes.c_void_p(target), ctypes.c_void_p(source)), ctypes.c_void_p(stream)
        attempted = f"copy {size} bytes on the device"
        self.check(self._library.cuMemcpyDtoDAsync_v2(*addresses, ctypes.c_size_t(size), handle), attempted)
        self.check(self._library.cuStreamSynchronize(handle), attempted)

    def function_attribute(self, function: int, attribute: FunctionAttribute) -> int:
        """Give what a loaded kernel takes."""
        value = ctypes.c_int()
        number = _FUNCTION_ATTRIBUTES[attribute]
        code = self._library.cuFuncGetAttribute(ctypes.byref(value), number, ctypes.c_void_p(function))
        self.check(code, f"give a kernel's {attribute}")
        return value.value

    def _device_attribute(self, attribute: int) -> int:
        device, value = ctypes.c_int(), ctypes.c_int()
        self.check(self._library.cuCtxGetDevice(ctypes.byref(device)), "give the current device")
        code = self._library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        self.check(code, f"give the device's attribute {attribute}")
        return value.value

    def _text(self, function: str, code: int) -> str:
        text = ctypes.c_char_p()
        getattr(self._library, function)(code, ctypes.byref(text))
        return (text.value or b"").decode(errors="replace")


@functools.cache
def driver() -> Driver:
    """Give the driver, loaded and initialised once a process; raises DeviceError."""
    return Driver()
