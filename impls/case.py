"""One convolution problem: its shapes, work and name."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from impls.errors import CaseNameError

__all__ = ["PRESETS", "ConvCase", "parse_cases"]

# oneDNN's benchdnn descriptors, short form; dilation counts from 0 there, so `dh0` is a dense kernel.
# https://uxlfoundation.github.io/oneDNN/dev_guide_benchdnn.html
_KEYS = {
    "g": "groups",
    "mb": "batch",
    "ic": "in_channels",
    "ih": "height",
    "iw": "width",
    "oc": "out_channels",
    "kh": "kernel_height",
    "kw": "kernel_width",
    "sh": "stride_height",
    "sw": "stride_width",
    "ph": "padding_height",
    "pw": "padding_width",
    "dh": "dilation_height",
    "dw": "dilation_width",
}
_TOKEN = re.compile(r"([a-z]+)(\d+)")
_DTYPES = {"f32": "float32", "f64": "float64"}
_ITEM_BYTES = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class ConvCase:
    """Hold one convolution problem; sizes are in elements, dilation counts from 1 as in torch."""

    height: int
    width: int
    kernel_height: int
    kernel_width: int
    batch: int = 1
    in_channels: int = 1
    out_channels: int = 1
    stride_height: int = 1
    stride_width: int = 1
    padding_height: int = 0
    padding_width: int = 0
    dilation_height: int = 1
    dilation_width: int = 1
    groups: int = 1
    bias: bool = False
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """Check that the numbers make a convolution; raises CaseNameError."""
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name.startswith("padding") else 1
            if isinstance(value, int) and not isinstance(value, bool) and value < least:
                raise CaseNameError(f"{field.name} is {value}, but must be at least {least}; correct the case")
        if self.dtype not in _ITEM_BYTES:
            raise CaseNameError(f"dtype is {self.dtype!r}, but must be one of {', '.join(_ITEM_BYTES)}")
        for channels, label in ((self.in_channels, "ic"), (self.out_channels, "oc")):
            if channels % self.groups:
                raise CaseNameError(
                    f"{label}{channels} is not divisible by g{self.groups}; choose groups that divide it"
                )
        if self.output_height < 1 or self.output_width < 1:
            raise CaseNameError(
                f"a {self.kernel_height}x{self.kernel_width} kernel does not fit into "
                f"{self.height}x{self.width} with padding {self.padding_height}x{self.padding_width}; "
                "enlarge the image or the padding"
            )

    @classmethod
    def parse(cls, text: str) -> ConvCase:
        """Read a case name such as `ic1ih100oc1kh3ph1` or `ic1ih8oc1kh3ph1_bias_f64`; raises CaseNameError."""
        descriptor, *options = text.strip().lower().split("_")
        given = _numbers(descriptor, text)
        for key in ("ih", "kh"):
            if key not in given:
                raise CaseNameError(f"case {text!r} has no {key}; write it as in ic1ih100oc1kh3ph1")
        dtype, bias = "float32", False
        for option in options:
            if option in _DTYPES:
                dtype = _DTYPES[option]
            elif option == "bias":
                bias = True
            else:
                raise CaseNameError(
                    f"case {text!r} has an unknown option {option!r}; known: bias, {', '.join(_DTYPES)}"
                )

        def pair(axis: str, default: int) -> tuple[int, int]:
            vertical = given.get(f"{axis}h", default)
            return vertical, given.get(f"{axis}w", vertical)

        (height, width), (kernel_height, kernel_width) = pair("i", 0), pair("k", 0)
        (stride_height, stride_width), (padding_height, padding_width) = pair("s", 1), pair("p", 0)
        dilation_height, dilation_width = pair("d", 0)
        return cls(
            height=height,
            width=width,
            kernel_height=kernel_height,
            kernel_width=kernel_width,
            batch=given.get("mb", 1),
            in_channels=given.get("ic", 1),
            out_channels=given.get("oc", 1),
            stride_height=stride_height,
            stride_width=stride_width,
            padding_height=padding_height,
            padding_width=padding_width,
            dilation_height=dilation_height + 1,
            dilation_width=dilation_width + 1,
            groups=given.get("g", 1),
            bias=bias,
            dtype=dtype,
        )

    @property
    def name(self) -> str:
        """Give the shortest name that parses back to this case."""
        parts = [f"g{self.groups}"] if self.groups > 1 else []
        parts += [f"mb{self.batch}"] if self.batch > 1 else []
        parts += [f"ic{self.in_channels}", *_axis("i", self.height, self.width), f"oc{self.out_channels}"]
        parts += _axis("k", self.kernel_height, self.kernel_width)
        if (self.stride_height, self.stride_width) != (1, 1):
            parts += _axis("s", self.stride_height, self.stride_width)
        if (self.padding_height, self.padding_width) != (0, 0):
            parts += _axis("p", self.padding_height, self.padding_width)
        if (self.dilation_height, self.dilation_width) != (1, 1):
            parts += _axis("d", self.dilation_height - 1, self.dilation_width - 1)
        short = {long: key for key, long in _DTYPES.items()}[self.dtype]
        options = (["bias"] if self.bias else []) + ([short] if short != "f32" else [])
        return "_".join(["".join(parts), *options])

    @property
    def output_height(self) -> int:
        """Count the output's rows."""
        return (self.height + 2 * self.padding_height - self.reach[0]) // self.stride_height + 1

    @property
    def output_width(self) -> int:
        """Count the output's columns."""
        return (self.width + 2 * self.padding_width - self.reach[1]) // self.stride_width + 1

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """Give the image's shape (N, C, H, W)."""
        return (self.batch, self.in_channels, self.height, self.width)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Give the weight's shape (O, C/groups, kH, kW)."""
        return (self.out_channels, self.in_channels // self.groups, self.kernel_height, self.kernel_width)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """Give the output's shape (N, O, H, W)."""
        return (self.batch, self.out_channels, self.output_height, self.output_width)

    @property
    def grouped_output_shape(self) -> tuple[int, int, int, int, int]:
        """Give the output's shape with its channels by group (N, groups, O/groups, H, W)."""
        outputs = self.out_channels // self.groups
        return (self.batch, self.groups, outputs, self.output_height, self.output_width)

    @property
    def reach(self) -> tuple[int, int]:
        """Give the rows and columns that one window spans: the taps with the gaps that dilation leaves between them."""
        return (
            self.dilation_height * (self.kernel_height - 1) + 1,
            self.dilation_width * (self.kernel_width - 1) + 1,
        )

    @property
    def outputs(self) -> int:
        """Count the output's elements."""
        return self.batch * self.out_channels * self.output_height * self.output_width

    @property
    def terms(self) -> int:
        """Count the products summed into one output, the bias not counted."""
        return (self.in_channels // self.groups) * self.kernel_height * self.kernel_width

    @property
    def flops(self) -> int:
        """Count floating-point operations: a multiplication and an addition a term, as oneDNN counts them."""
        return 2 * self.terms * self.outputs

    @property
    def item_bytes(self) -> int:
        """Give the size of one element in bytes."""
        return _ITEM_BYTES[self.dtype]

    @property
    def compulsory_bytes(self) -> int:
        """Count the bytes any algorithm must move: image, weight and bias read once, output written once."""
        image = self.batch * self.in_channels * self.height * self.width
        weight = self.out_channels * self.terms
        return self.item_bytes * (image + weight + (self.out_channels if self.bias else 0) + self.outputs)

    def with_output(self, height: int, width: int) -> ConvCase:
        """Give the same problem on the smallest image that yields an output of this many rows and columns."""
        return replace(
            self,
            height=max(1, (height - 1) * self.stride_height + self.reach[0] - 2 * self.padding_height),
            width=max(1, (width - 1) * self.stride_width + self.reach[1] - 2 * self.padding_width),
        )

    @property
    def smallest(self) -> tuple[ConvCase, ConvCase]:
        """Give two small legal inputs of this problem, for unit costs: of a 1x1 output, and of up to 16x16.

        Work per call that does not grow with the image shows in the first, work per pixel in their difference. The
        second has at most half the case's rows and columns, so that it never measures the case itself.
        """
        rows, columns = (min(16, max(2, extent // 2)) for extent in (self.output_height, self.output_width))
        return self.with_output(1, 1), self.with_output(rows, columns)


def _numbers(descriptor: str, text: str) -> dict[str, int]:
    given: dict[str, int] = {}
    position = 0
    while position < len(descriptor):
        token = _TOKEN.match(descriptor, position)
        if token is None or token[1] not in _KEYS:
            raise CaseNameError(
                f"case {text!r} is not understood at {descriptor[position:]!r}; write it as in ic1ih100oc1kh3ph1, "
                f"keys: {' '.join(_KEYS)}, or use a preset: {', '.join(PRESETS)}"
            )
        if token[1] in given:
            raise CaseNameError(f"case {text!r} names {token[1]} twice; keep one")
        given[token[1]] = int(token[2])
        position = token.end()
    return given


def _axis(letter: str, vertical: int, horizontal: int) -> list[str]:
    return [f"{letter}h{vertical}"] + ([f"{letter}w{horizontal}"] if horizontal != vertical else [])


PRESETS: dict[str, tuple[str, ...]] = {
    "article": ("ic1ih100oc1kh3ph1",),
    "small": ("ic1ih8oc1kh3ph1",),
    "photo": ("ic1ih1080iw1920oc1kh3ph1",),
    "sweep": tuple(f"ic1ih{size}oc1kh{kernel}ph{kernel // 2}" for kernel in (3, 5, 11) for size in (8, 32, 128, 512)),
    # What the article's claims need: sizes, kernels, and two outputs that are there with padding and without.
    "claims": (
        *(f"ic1ih{size}oc1kh3ph1" for size in (8, 16, 64, 100, 144, 256, 512, 1024, 2048, 4096)),
        *(f"ic1ih{size}oc1kh{kernel}ph{kernel // 2}" for size in (100, 512) for kernel in (5, 7, 11)),
        *(f"ic1ih{size + 2}oc1kh3" for size in (100, 512)),
    ),
}


def parse_cases(text: str) -> tuple[ConvCase, ...]:
    """Read a preset's name or a case name into cases; raises CaseNameError."""
    return tuple(ConvCase.parse(name) for name in PRESETS.get(text, (text,)))
