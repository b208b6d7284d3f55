"""Case names: goldens, the round trip, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given

from impls.case import PRESETS, ConvCase, parse_cases
from impls.errors import CaseNameError


@pytest.mark.parametrize(
    ("name", "case"),
    [
        (
            "ic1ih100oc1kh3ph1",
            ConvCase(height=100, width=100, kernel_height=3, kernel_width=3, padding_height=1, padding_width=1),
        ),
        (
            "g2mb4ic6ih9iw7oc8kh5kw1sh2sw1ph2pw0dh1dw0_bias_f64",
            ConvCase(
                height=9,
                width=7,
                kernel_height=5,
                kernel_width=1,
                batch=4,
                in_channels=6,
                out_channels=8,
                stride_height=2,
                stride_width=1,
                padding_height=2,
                padding_width=0,
                dilation_height=2,
                dilation_width=1,
                groups=2,
                bias=True,
                dtype="float64",
            ),
        ),
    ],
)
def test_a_name_and_its_case_are_the_same_thing(name: str, case: ConvCase) -> None:
    assert ConvCase.parse(name) == case
    assert case.name == name


@given(case=...)
def test_every_case_comes_back_from_its_name(case: ConvCase) -> None:
    assert ConvCase.parse(case.name) == case


@pytest.mark.parametrize(
    ("given_name", "shortest"),
    [
        ("ih8kh3", "ic1ih8oc1kh3"),
        ("MB1IC1IH8IW8OC1KH3KW3SH1PH0DH0G1_f32", "ic1ih8oc1kh3"),
        (" ic1ih8oc1kh3pw1 ", "ic1ih8oc1kh3ph0pw1"),
    ],
)
def test_what_is_left_out_has_a_default_and_is_left_out_of_the_name(given_name: str, shortest: str) -> None:
    assert ConvCase.parse(given_name).name == shortest


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no ih"),
        ("artcle", "not understood at 'artcle'.*presets?: article, small, photo, sweep, claims"),
        ("ic1kh3", "has no ih"),
        ("ih8", "has no kh"),
        ("ih8kh3xy2", "not understood at 'xy2'"),
        ("ih8kh3kh5", "names kh twice"),
        ("ih8kh3_gray", "unknown option 'gray'; known: bias, f32, f64"),
        ("ih0kh1", "height is 0, but must be at least 1"),
        ("ih8kh3sh0", "stride_height is 0, but must be at least 1"),
        ("ih8kh9", "a 9x9 kernel does not fit into 8x8 with padding 0x0"),
        ("ih8kh3dh3", "does not fit"),
        ("g2ic3ih8oc2kh3", "ic3 is not divisible by g2"),
        ("g2ic2ih8oc3kh3", "oc3 is not divisible by g2"),
    ],
)
def test_what_makes_no_convolution_is_refused_with_the_offending_part(text: str, complaint: str) -> None:
    with pytest.raises(CaseNameError, match=complaint) as caught:
        ConvCase.parse(text)
    assert "\n" not in str(caught.value)


def test_every_preset_parses_to_names_that_are_shortest() -> None:
    for preset, names in PRESETS.items():
        assert tuple(case.name for case in parse_cases(preset)) == names


def test_the_articles_case_has_the_work_one_counts_by_hand() -> None:
    case = ConvCase.parse("ic1ih100oc1kh3ph1")
    assert (case.terms, case.outputs, case.flops) == (9, 10_000, 180_000)
    assert case.compulsory_bytes == 4 * (10_000 + 9 + 10_000)


@given(case=...)
def test_the_smallest_inputs_are_the_same_problem_on_fewer_pixels(case: ConvCase) -> None:
    first, second = case.smallest
    half = max(2, case.output_height // 2)
    for small, size in ((first, 1), (second, min(16, half))):
        assert small.output_height >= size
        assert small.height == 1 or small.output_height == size
        assert (small.terms, small.padding_height, small.stride_width) == (
            case.terms,
            case.padding_height,
            case.stride_width,
        )
