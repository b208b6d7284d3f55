"""oneDNN's lines in the formats of its versions, and lines that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.trace.onednn import Line, read_verbose

_PROBLEM = "mb1_ic1oc1_ih512oh512kh3sh1dh0ph1_iw512ow512kw3sw1dw0pw1"
_V1 = (
    "onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx512_core,forward_training,src:f32:a:blocked:abcd::f0 "
    "wei:f32:ap:blocked:Acdb16a::f0 bia:undef::undef::: dst:f32:ap:blocked:aBcd16b::f0,attr-scratchpad:user,"
    f"alg:convolution_direct,{_PROBLEM},0.5"
)
_V0 = (
    "onednn_verbose,v0,1693533460272.561035,primitive,exec,cpu,convolution,jit:avx512_core,forward_training,"
    "src_f32:a:blocked:abcd::f0 wei_f32:ap:blocked:Acdb16a::f0 bia_undef::undef::: dst_f32:ap:blocked:aBcd16b::f0,"
    f"attr-post-ops:eltwise_relu:0,5+sum,alg:convolution_direct,{_PROBLEM},0.5"
)
_V2 = (
    "dnnl_verbose,exec,cpu,convolution,jit:avx512_core,forward_training,src_f32::blocked:abcd:f0 "
    "wei_f32::blocked:Acdb16a:f0 bia_undef::undef::f0 dst_f32::blocked:aBcd16b:f0,,alg:convolution_direct,"
    f"{_PROBLEM},0.5"
)
_CONVOLUTION = Line(
    part="later",
    operation="exec",
    cache="",
    engine="cpu",
    primitive="convolution",
    implementation="jit:avx512_core",
    propagation="forward_training",
    layouts={"src": "abcd", "wei": "Acdb16a", "dst": "aBcd16b"},
    algorithm="convolution_direct",
    problem=_PROBLEM,
    milliseconds=0.5,
)


@pytest.mark.parametrize("raw", [_V1, _V0, _V2], ids=["3.5 and later", "3.2 with time stamps", "2"])
def test_a_line_says_the_same_in_every_version(raw: str) -> None:
    spoken = read_verbose(f"convprof,later\n{raw}\n")
    assert spoken.lines == (_CONVOLUTION,)
    assert (spoken.unread, spoken.cut) == (0, 0)


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ("create:cache_miss", ("create", "miss")),
        ("create:cache_hit", ("create", "hit")),
        ("create:nested_cache_hit", ("create", "hit")),
        ("create", ("create", "")),
        ("exec", ("exec", "")),
    ],
)
def test_a_creation_says_what_the_cache_had(operation: str, found: tuple[str, str]) -> None:
    raw = f"onednn_verbose,v1,primitive,{operation},cpu,reorder,jit:uni,undef,src:f32:p:blocked:aBcd16b::f0 "
    raw += "dst:f32::blocked:abcd::f0,attr-scratchpad:user,,1x1x512x512,0.25"
    (line,) = read_verbose(f"convprof,first\n{raw}\n").lines
    assert (line.operation, line.cache) == found
    assert (line.primitive, line.propagation, line.problem) == ("reorder", "", "1x1x512x512")
    assert line.layouts == {"src": "aBcd16b", "dst": "abcd"}


def test_the_header_and_the_calls_are_told_apart() -> None:
    spoken = read_verbose(
        "convprof,header\n"
        "onednn_verbose,v1,info,oneDNN v3.12.0 (commit 80afa710)\n"
        "onednn_verbose,v1,info,cpu,isa:Intel AVX-512 with Intel DL Boost\n"
        "onednn_verbose,v1,primitive,info,template:operation,engine,primitive\n"
        f"convprof,prepare\nconvprof,first\n{_V1}\nconvprof,later\n{_V1}\n{_V1}\nconvprof,cut,12\n"
    )
    assert (spoken.version, spoken.instructions) == ("v3.12.0", "Intel AVX-512 with Intel DL Boost")
    assert [line.part for line in spoken.lines] == ["first", "later", "later"]
    assert (spoken.unread, spoken.cut) == (0, 12)


@pytest.mark.parametrize(
    "raw",
    [
        _V1.rpartition(",")[0],  # without its time
        _V1.replace("0.5", "nan"),
        _V1.replace("0.5", "-1"),
        _V1.replace("exec", "create:dispatch"),
        _V1[: len(_V1) // 2],
        "mkldnn_verbose,exec,convolution,jit:avx2,forward_inference,fsrc:nchw,alg:convolution_direct,mb1,0.1",
        "onednn_verbose",
        "<script>alert(1)</script>",
    ],
)
def test_what_is_no_whole_line_is_counted_and_passed_over(raw: str) -> None:
    spoken = read_verbose(f"convprof,later\n{raw}\n{_V1}\n")
    assert spoken.lines == (_CONVOLUTION,)
    assert spoken.unread == 1


def test_a_line_of_no_call_is_counted_too() -> None:
    assert read_verbose(_V1).unread == 1
    assert read_verbose("").lines == ()


def test_strides_stand_for_a_layout_without_a_name_and_tensors_of_one_name_are_joined() -> None:
    raw = "onednn_verbose,v1,primitive,exec,cpu,sum,simple:any,undef,src:f32::blocked:abcd::f0 "
    raw += "src:f32::blocked::8x1:f0 wei:f32::any:::f0 dst:f32::blocked:acdb::f0,,,1x1x8x8,0.1"
    (line,) = read_verbose(f"convprof,later\n{raw}\n").lines
    assert line.layouts == {"src": "abcd+8x1", "wei": "any", "dst": "acdb"}


@given(st.text(alphabet=st.sampled_from(list("onednn_verbose,v1:execpu 0.x")), max_size=200) | st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    spoken = read_verbose(f"convprof,later\nonednn_verbose,{text}\n{_V1}\n")
    assert spoken.lines[-1:] in ((_CONVOLUTION,), ())
    assert spoken.unread >= 0
