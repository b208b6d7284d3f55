"""How each kernel of convolution.cu is compiled and launched for a case: block, grid, shared memory and constants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from impls.case import ConvCase
from impls.contract import Availability
from impls.cuda.problem import problem_of

__all__ = ["KERNELS", "SOURCE", "Kernel", "Launch", "defines_of", "launch_of"]

Kernel = Literal["convolution_direct", "convolution_shared_memory", "convolution_register_blocked"]
KERNELS: tuple[Kernel, ...] = get_args(Kernel)
SOURCE = Path(__file__).with_name("convolution.cu")

_WARP = 32
_BANKS = 32
# The least for which every GPU since compute capability 3.0 is made: CUDA C++ programming guide, "Technical
# Specifications per Compute Capability". More shared memory would have to be asked for, kernel by kernel.
_SHARED_BYTES = 48 * 1024
_CONSTANT_WEIGHTS = 64 * 1024 // 4
_LARGEST_GRID_Y = _LARGEST_GRID_Z = 65535
_LARGEST_INT = 2**31 - 1

# A block of 256 threads divides what a multiprocessor holds (2048 or 1536) evenly, and leaves each 255 registers.
_THREADS = 256
# Blocks that a large GPU has multiprocessors for (H100: 132): smaller blocks rather than fewer.
_BLOCKS = 132
_THREAD_COLUMNS = 4
_THREAD_CHANNELS = (4, 2, 1)
# Outputs of a thread over rows and channels together; times four columns, these are sums in registers.
_THREAD_ROWS_OF_CHANNELS = {4: 2, 2: 2, 1: 4}
# Up to here loops over the kernel unroll: beyond, code outgrows the instruction cache, and windows the registers.
_UNROLLED_TAPS = 11 * 11
_UNROLLED_WINDOW = 24


@dataclass(frozen=True)
class Launch:
    """Describe one launch: `block` and `grid` are (x, y, z), `problem_bytes` the last argument, as it lies in memory.

    `defines` are preprocessor definitions ('BLOCK_WIDTH=32'), the same for all kernels of a case, which so come from
    one module. Where `constant_symbol` is not empty, the weight has to be copied to the module's symbol of that name
    before the launch; a module then serves one weight only. Addresses of the tensors must be multiples of `alignment`.
    """

    kernel: Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int
    problem_bytes: bytes
    defines: tuple[str, ...]
    constant_symbol: str = ""
    alignment: int = 4

    @property
    def threads(self) -> int:
        """Count the threads of a block."""
        return self.block[0] * self.block[1] * self.block[2]


def launch_of(kernel: Kernel, case: ConvCase) -> Launch | Availability:
    """Give the launch that computes a case, or the reason why this kernel cannot take it."""
    answer = _refused(case) or _LAUNCHES[kernel](case)
    if isinstance(answer, Launch) and answer.grid[1] > _LARGEST_GRID_Y:
        return Availability.no(
            f"a grid has at most {_LARGEST_GRID_Y} blocks one above the other, and the case's {case.output_height} "
            f"rows take {answer.grid[1]}; see torch.conv2d"
        )
    return answer


def defines_of(case: ConvCase) -> tuple[str, ...]:
    """Give the preprocessor definitions that convolution.cu is compiled with for a case, the same for all kernels."""
    width, height = _block(case)
    return (
        f"BLOCK_WIDTH={width}",
        f"BLOCK_HEIGHT={height}",
        *(_kernel_constants(case) if _unrolls(case) else ()),
        *(("ONE_CHANNEL=1",) if case.in_channels == case.out_channels == 1 else ()),
        *(_register_block_constants(case) if _weights(case) <= _CONSTANT_WEIGHTS else ()),
    )


def _direct(case: ConvCase) -> Launch | Availability:
    width, height = _block(case)
    return Launch(
        kernel="convolution_direct",
        grid=_grid(case, width, height, case.batch * case.out_channels),
        block=(width, height, 1),
        shared_bytes=0,
        problem_bytes=bytes(problem_of(case)),
        defines=defines_of(case),
    )


def _shared_memory(case: ConvCase) -> Launch | Availability:
    width, height = _block(case)
    pitch = _tile_pitch(case, width)
    shared_bytes = _shared_bytes(case, width, height)
    if shared_bytes > _SHARED_BYTES:
        return Availability.no(
            f"one row of {width} outputs with its halo and the {case.kernel_height}x{case.kernel_width} kernel take "
            f"{_shared_bytes(case, width, 1)} bytes of shared memory, and a block has {_SHARED_BYTES}; see cuda.direct"
        )
    return Launch(
        kernel="convolution_shared_memory",
        grid=_grid(case, width, height, case.batch * case.out_channels),
        block=(width, height, 1),
        shared_bytes=shared_bytes,
        problem_bytes=bytes(problem_of(case, pitch)),
        defines=defines_of(case),
    )


def _register_blocked(case: ConvCase) -> Launch | Availability:
    if _weights(case) > _CONSTANT_WEIGHTS:
        return Availability.no(
            f"its weights are in constant memory, which holds {_CONSTANT_WEIGHTS} of them, and the case has "
            f"{_weights(case)}; see cuda.shared_memory"
        )
    rows, channels = _thread_rows(case), _thread_channels(case)
    width, height = _register_block(case)
    vectors = _vector_loads(case) or _vector_stores(case)
    return Launch(
        kernel="convolution_register_blocked",
        grid=_grid(case, width * _THREAD_COLUMNS, height * rows, case.batch * (case.out_channels // channels)),
        block=(width, height, 1),
        shared_bytes=0,
        problem_bytes=bytes(problem_of(case)),
        defines=defines_of(case),
        constant_symbol="constant_weight",
        alignment=16 if vectors else 4,
    )


_LAUNCHES: dict[Kernel, Callable[[ConvCase], Launch | Availability]] = {
    "convolution_direct": _direct,
    "convolution_shared_memory": _shared_memory,
    "convolution_register_blocked": _register_blocked,
}


def _refused(case: ConvCase) -> Availability | None:
    """Say why no kernel here takes a case, None where they might."""
    if case.dtype != "float32":
        return Availability.no(f"its kernels compute in float32, and the case is of {case.dtype}; see torch.conv2d")
    shapes = {"image": case.image_shape, "weight": case.weight_shape, "output": case.output_shape}
    for tensor, (outer, channels, height, width) in shapes.items():
        elements = outer * channels * height * width
        if elements > _LARGEST_INT:
            return Availability.no(
                f"its offsets are of 32 bits, and the {tensor} has {elements} elements; see torch.conv2d"
            )
    # Coordinates go this far beyond the image and the output, where the last block has threads to spare, and the count
    # of planes beyond the last by a grid's depth.
    farthest = max(
        case.batch * case.out_channels + _LARGEST_GRID_Z,
        case.height + 2 * case.padding_height + case.reach[0] + _THREADS * case.stride_height,
        case.width + 2 * case.padding_width + case.reach[1] + _WARP * _THREAD_COLUMNS * case.stride_width,
    )
    if farthest > _LARGEST_INT:
        return Availability.no(f"its coordinates are of 32 bits, and those of {case.name} go beyond; see torch.conv2d")
    return None


def _kernel_constants(case: ConvCase) -> tuple[str, ...]:
    return (
        f"KERNEL_HEIGHT={case.kernel_height}",
        f"KERNEL_WIDTH={case.kernel_width}",
        f"STRIDE_HEIGHT={case.stride_height}",
        f"STRIDE_WIDTH={case.stride_width}",
        f"DILATION_HEIGHT={case.dilation_height}",
        f"DILATION_WIDTH={case.dilation_width}",
    )


def _register_block_constants(case: ConvCase) -> tuple[str, ...]:
    width, height = _register_block(case)
    return (
        f"REGISTER_BLOCK_THREADS={width * height}",
        f"THREAD_ROWS={_thread_rows(case)}",
        f"THREAD_CHANNELS={_thread_channels(case)}",
        *(("VECTOR_LOADS=1", f"PADDING_WIDTH={case.padding_width}") if _vector_loads(case) else ()),
        *(("VECTOR_STORES=1",) if _vector_stores(case) else ()),
    )


def _unrolls(case: ConvCase) -> bool:
    window = (_THREAD_COLUMNS - 1) * case.stride_width + case.reach[1]
    rows = (max(_THREAD_ROWS_OF_CHANNELS.values()) - 1) * case.stride_height + case.reach[0]
    return case.kernel_height * case.kernel_width <= _UNROLLED_TAPS and max(window, rows) <= _UNROLLED_WINDOW


def _weights(case: ConvCase) -> int:
    return case.out_channels * case.terms


def _vector_loads(case: ConvCase) -> bool:
    """Say whether every image row begins at a multiple of four elements, and windows are of constant width."""
    return _unrolls(case) and case.width % _THREAD_COLUMNS == 0


def _vector_stores(case: ConvCase) -> bool:
    return case.output_width % _THREAD_COLUMNS == 0


def _block(case: ConvCase) -> tuple[int, int]:
    """Choose the block of the kernels with one output a thread, (width, height)."""
    width, height = _shape(case.output_width, case.output_height, case.batch * case.out_channels)
    # A smaller tile has more halo for each output, but may fit where a larger one does not.
    heights = [height >> halvings for halvings in range(height.bit_length())]
    return width, next((each for each in heights if _shared_bytes(case, width, each) <= _SHARED_BYTES), height)


def _register_block(case: ConvCase) -> tuple[int, int]:
    """Choose the block of the register-blocked kernel, in threads (width, height)."""
    columns, rows = -(-case.output_width // _THREAD_COLUMNS), -(-case.output_height // _thread_rows(case))
    return _shape(columns, rows, case.batch * (case.out_channels // _thread_channels(case)))


def _shape(columns: int, rows: int, planes: int) -> tuple[int, int]:
    """Choose a block for planes of threads: a warp along a row where rows are that long, for coalesced loads.

    Blocks are halved, down to a warp, while the grid has fewer than a large GPU has multiprocessors.
    """
    width = min(_WARP, _power_of_two(columns))
    height = min(_THREADS // width, _power_of_two(rows))
    while height > 1 and width * height > _WARP and -(-columns // width) * -(-rows // height) * planes < _BLOCKS:
        height //= 2
    return width, height


def _thread_channels(case: ConvCase) -> int:
    return next(channels for channels in _THREAD_CHANNELS if case.out_channels // case.groups % channels == 0)


def _thread_rows(case: ConvCase) -> int:
    """Choose the rows a thread computes: fewer while a large GPU would have idle warp schedulers."""
    channels = _thread_channels(case)
    rows = _THREAD_ROWS_OF_CHANNELS[channels]
    threads = case.outputs // (_THREAD_COLUMNS * channels)
    while rows > 1 and threads // rows < _BLOCKS * _THREADS:
        rows //= 2
    return rows


def _grid(case: ConvCase, columns: int, rows: int, planes: int) -> tuple[int, int, int]:
    """Cover the output by blocks of columns x rows outputs; blocks loop over the planes beyond a grid's depth."""
    return (
        -(-case.output_width // columns),
        -(-case.output_height // rows),
        min(planes, _LARGEST_GRID_Z),
    )


def _shared_bytes(case: ConvCase, width: int, height: int) -> int:
    """Count the bytes of a tile with its halo, and of one channel's weights behind it."""
    rows = (height - 1) * case.stride_height + case.reach[0]
    return 4 * (rows * _tile_pitch(case, width) + case.kernel_height * case.kernel_width)


def _tile_pitch(case: ConvCase, width: int) -> int:
    """Choose the elements from one row of a tile to the next: the least of those with the fewest bank conflicts.

    A row holds one run of columns for each remainder modulo the stride (see convolution.cu), and at a tap the threads
    of a row read neighbours in one run. A warp spans 32 / width rows of threads, each `stride_height` rows below.
    """
    run = -(-((width - 1) * case.stride_width + case.reach[1]) // case.stride_width)
    least = run * case.stride_width

    def conflicts(pitch: int) -> int:
        rows = range(_WARP // width)
        banks = Counter((row * case.stride_height * pitch + x) % _BANKS for row in rows for x in range(width))
        return max(banks.values())

    return min(range(least, least + _BANKS), key=conflicts)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
