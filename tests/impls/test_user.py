"""A reader's own function: what it is given, when it is asked, and every fault of its file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from impls import user
from impls.case import ConvCase
from impls.contract import AVAILABLE, Implementation
from impls.data import as_given, make_data
from impls.errors import UnknownImplementation, UserFunctionError
from impls.reference import check
from impls.user import entry_point_names, load_entry_point, load_file, name_of, resolve

SAME = ConvCase.parse("ic2ih6oc2kh3ph1")
GENERAL = ConvCase.parse("g2ic2ih9iw8oc4kh3sh2sw1ph0pw1dh1dw0_bias")

TORCH_SOURCE = '''
"""A module."""
import torch.nn.functional as F

def plain(image, weight):
    """Call the library.

    In more words.
    """
    return F.conv2d(image, weight, padding="same")

def general(image, weight, bias=None, *, stride, padding, dilation, groups):
    return F.conv2d(image, weight, bias, stride, padding, dilation, groups)

def keywords(image, weight, **options):
    return F.conv2d(image, weight, **options)

def hidden(*args, **kwargs):
    return plain(*args, **kwargs)

def scaled(image, weight, scale): ...
def alone(image): ...
number = 3
'''

NUMPY_SOURCE = """
from __future__ import annotations
from typing import TYPE_CHECKING
import numpy as np
import numpy.typing as npt
from helper_beside_it import shifted
if TYPE_CHECKING:
    from somewhere import Thing

def arrays(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    assert type(image) is np.ndarray
    return shifted(image, weight)

def typed(image: npt.NDArray[np.float32], weight: npt.NDArray[np.float32] | None):
    assert type(image) is np.ndarray
    return shifted(image, weight)

def unresolved(image: npt.NDArray[np.float32], weight: Thing):
    assert type(image) is np.ndarray
    return shifted(image, weight)
"""

HELPER_SOURCE = """
import numpy as np

def shifted(image, weight):
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weight)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "mine.py").write_text(TORCH_SOURCE)
    (tmp_path / "other.py").write_text(NUMPY_SOURCE)
    (tmp_path / "helper_beside_it.py").write_text(HELPER_SOURCE)
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("convprof_user_") or name == "helper_beside_it":
            del sys.modules[name]


def _verify(implementation: Implementation, case: ConvCase) -> None:
    assert implementation.available(case) == AVAILABLE
    data = make_data(case, seed=2)
    output = implementation.prepare(case, *as_given(implementation, data))()
    answer = check(case, output, data.image, data.weight, data.bias)
    assert answer.correct, answer.reason


def test_a_plain_function_becomes_an_implementation(folder: Path) -> None:
    loaded = load_file(f"{folder}/mine.py:plain")
    assert (loaded.name, loaded.family, loaded.arrays, loaded.grad_mode) == (
        "mine:plain",
        "manual",
        "torch",
        "inference",
    )
    assert loaded.summary == "Call the library."
    _verify(loaded, SAME)


@pytest.mark.parametrize("function", ["general", "keywords"])
def test_a_function_with_the_cases_words_as_parameters_is_given_their_values(folder: Path, function: str) -> None:
    loaded = load_file(f"{folder}/mine.py:{function}")
    _verify(loaded, SAME)
    _verify(loaded, GENERAL)


def test_a_wrapper_that_hides_its_parameters_is_taken_for_a_plain_function(folder: Path) -> None:
    _verify(load_file(f"{folder}/mine.py:hidden"), SAME)


@pytest.mark.parametrize("function", ["arrays", "typed", "unresolved"])
def test_numpy_annotations_ask_for_arrays_and_modules_beside_the_file_are_found(folder: Path, function: str) -> None:
    loaded = load_file(f"{folder}/other.py:{function}")
    assert loaded.arrays == "numpy"
    _verify(loaded, SAME)


FFT_SOURCE = """
import torch

def undeclared(image, weight):
    size = [extent + 2 for extent in image.shape[2:]]
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1))
    product = torch.fft.rfft2(padded) * torch.fft.rfft2(weight[0, 0], size).conj()
    return torch.fft.irfft2(product, size)[..., :-2, :-2]

def declared(image, weight):
    return undeclared(image, weight)
declared.error_bound = "transform"

def misspelt(image, weight):
    return undeclared(image, weight)
misspelt.error_bound = "loose"
"""


def test_a_function_through_an_fft_is_held_to_the_direct_bound_until_it_says_so(folder: Path) -> None:
    (folder / "spectral.py").write_text(FFT_SOURCE)
    case = ConvCase.parse("ic1ih100oc1kh3ph1")
    data = make_data(case, seed=3)
    plain, declared = (load_file(f"{folder}/spectral.py:{name}") for name in ("undeclared", "declared"))
    assert (plain.error_bound, declared.error_bound) == ("direct", "transform")
    output = plain.prepare(case, *as_given(plain, data))()
    refused = check(case, output, data.image, data.weight, kind=plain.error_bound)
    assert not refused.correct
    assert "say so with `function.error_bound = 'transform'`" in refused.reason
    assert check(case, output, data.image, data.weight, kind=declared.error_bound).correct
    with pytest.raises(
        UserFunctionError, match="spectral:misspelt has error_bound 'loose'; make it 'direct' or 'trans"
    ):
        load_file(f"{folder}/spectral.py:misspelt")


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (
            "ih8kh3",
            "the function takes no padding ('same' zero padding is assumed), and the case needs it; "
            "add a parameter padding",
        ),
        ("ih8kh3ph1_bias", "the function takes no bias, and the case needs it; add a parameter bias"),
        ("ih8kh3sh2ph1", "the function takes no stride, and the case needs it; add a parameter stride"),
        (
            "g2ic2oc2ih8kh3ph2dh1",
            "the function takes no dilation and groups, and the case needs it; add a parameter dilation and groups",
        ),
    ],
)
def test_a_plain_function_is_not_asked_for_what_it_cannot_know(folder: Path, case: str, reason: str) -> None:
    answer = load_file(f"{folder}/mine.py:plain").available(ConvCase.parse(case))
    assert answer.reason == reason


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        ("{folder}/mine.py", "names no function; write it as path/to/file.py:function"),
        ("{folder}/mine.py:", "names no function"),
        ("{folder}/mine.txt:plain", "is not a Python file"),
        ("{folder}/mime.py:plain", "mime.py is not a file, did you mean mine.py.; correct the path"),
        ("{folder}/gone/mine.py:plain", "gone/mine.py is not a file; correct the path"),
        ("{folder}/mine.py:plane", r"mine.py has no function 'plane'; did you mean plain"),
        ("{folder}/mine.py:xyz", "mine.py has no function 'xyz'; name one that it defines"),
        ("{folder}/mine.py:number", "mine:number is not a function but int"),
        (
            "{folder}/mine.py:alone",
            r"mine:alone takes too few positional parameters \(1\); write it as f\(image",
        ),
        ("{folder}/mine.py:scaled", "mine:scaled requires scale, which it is not given; give it a default"),
    ],
)
def test_a_fault_of_the_location_is_one_line_with_a_remedy(folder: Path, location: str, complaint: str) -> None:
    with pytest.raises(UserFunctionError, match=complaint) as caught:
        load_file(location.format(folder=folder))
    assert "\n" not in str(caught.value)


def test_a_syntax_error_gives_file_and_line(folder: Path) -> None:
    (folder / "broken.py").write_text("x = 1\ndef f(image, weight)\n    return image\n")
    with pytest.raises(UserFunctionError, match=r"broken\.py, line 2: expected ':'; correct the file"):
        load_file(f"{folder}/broken.py:f")


def test_what_the_module_itself_raises_passes_through_and_leaves_no_half_module(folder: Path) -> None:
    (folder / "raising.py").write_text("raise KeyError('mine')\n")
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            load_file(f"{folder}/raising.py:f")


def test_files_of_one_name_in_two_folders_are_two_modules(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "mine.py").write_text("def plain(image, weight):\n    return 'inner'\n")
    assert load_file(f"{inner}/mine.py:plain").prepare(SAME, None, None, None)() == "inner"
    assert load_file(f"{folder}/mine.py:plain").summary == "Call the library."


def test_the_name_is_known_without_touching_the_file() -> None:
    assert name_of("/nowhere/path/mine.py:f") == "mine:f"


def test_resolve_looks_where_the_plan_says(folder: Path) -> None:
    assert resolve("catalog", "", "torch.conv2d").name == "torch.conv2d"
    assert resolve("file", f"{folder}/mine.py:plain", "mine:plain").name == "mine:plain"
    with pytest.raises(UnknownImplementation, match="no installed package offers 'absent'; install the package"):
        resolve("entry_point", "", "absent")


@pytest.fixture
def installed(folder: Path) -> Path:
    """Make a folder on the path look like an installed package with entry points."""
    (folder / "offering.py").write_text(
        "from impls.catalog import find\nready = find('numpy.im2col')\ndef function(image, weight): ...\n"
    )
    metadata = folder / "offering-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: offering\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[{user.ENTRY_POINT_GROUP}]\n"
        "offered = offering:function\nready = offering:ready\nbroken = offering:gone\nlost = no_such_module_here:f\n"
    )
    sys.path.insert(0, str(folder))
    return folder


@pytest.mark.usefixtures("installed")
def test_entry_points_may_be_functions_or_whole_implementations() -> None:
    assert set(entry_point_names()) >= {"offered", "ready", "broken", "lost"}
    assert load_entry_point("offered").name == "offered"
    ready = load_entry_point("ready")
    assert (ready.name, ready.arrays) == ("ready", "numpy")
    _verify(ready, SAME)


@pytest.mark.usefixtures("installed")
def test_an_entry_point_that_cannot_be_imported_or_does_not_exist_says_so() -> None:
    with pytest.raises(UserFunctionError, match=r"entry point 'broken' \(offering:gone\) cannot be imported"):
        load_entry_point("broken")
    with pytest.raises(UserFunctionError, match="no_such_module_here"):
        load_entry_point("lost")
    with pytest.raises(UnknownImplementation, match=r"no installed package offers 'offred'; did you mean offered\?"):
        load_entry_point("offred")


def test_a_layer_object_can_be_named_like_a_function(folder: Path) -> None:
    (folder / "layer.py").write_text(
        "import torch\n"
        "class Same(torch.nn.Module):\n"
        "    def forward(self, image, weight):\n"
        "        return torch.nn.functional.conv2d(image, weight, padding='same')\n"
        "layer = Same()\n"
    )
    loaded = load_file(f"{folder}/layer.py:layer")
    assert loaded.summary == "a reader's own function"
    _verify(loaded, SAME)


def test_given_values_have_the_documented_forms(folder: Path) -> None:
    (folder / "forms.py").write_text("def f(image, weight, groups, bias, stride): return image, bias, stride, groups\n")
    image: Any = torch.ones(1)
    call = load_file(f"{folder}/forms.py:f").prepare(GENERAL, image, None, np.ones(4))
    given_image, bias, stride, groups = call()
    assert given_image is image
    assert bias.shape == (4,)
    assert (stride, groups) == ((2, 1), 2)
