"""File names of wheels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag
from packaging.version import Version

from wheelyard.errors import InvalidNameError
from wheelyard.targets.wheelname import WheelName


def test_a_compressed_name_expands_to_its_whole_tag_set() -> None:
    name = WheelName.parse("a-1-cp37.cp38-abi3-manylinux1_x86_64.manylinux2014_x86_64.whl")
    assert name.tags == {
        Tag(python, "abi3", platform)
        for python in ("cp37", "cp38")
        for platform in ("manylinux1_x86_64", "manylinux2014_x86_64")
    }


@pytest.mark.parametrize("project", ["Foo", "foo_bar", "foo.bar", "Foo_Bar"])
def test_projects_are_normalised(project: str) -> None:
    name = WheelName.parse(f"{project}-1.0-py3-none-any.whl")
    assert name.project == project.lower().replace("_", "-").replace(".", "-")
    assert name.version == Version("1.0")
    assert WheelName.parse(str(name)) == name


@pytest.mark.parametrize(
    "filename",
    [
        "six-1.17.0-py2.py3-none-any.whl",
        "foo_bar-1.0-1-py3-none-any.whl",
        "foo_bar-1.0-2local-py3-none-any.whl",
        "foo-1.0+local.1-cp312-cp312-linux_x86_64.whl",
        "foo-1.0rc1.dev2-cp313-cp313t-win_amd64.whl",
        "foo-1!2.0-pp310-pypy310_pp73-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    ],
)
def test_writing_is_the_inverse_of_reading(filename: str) -> None:
    assert str(WheelName.parse(filename)) == filename


def test_the_build_tag_is_kept() -> None:
    assert WheelName.parse("foo-1.0-2local-py3-none-any.whl").build == "2local"
    assert not WheelName.parse("foo-1.0-py3-none-any.whl").build


@pytest.mark.parametrize(
    "filename",
    [
        "",
        ".whl",
        "foo.whl",
        "foo-1.0.tar.gz",
        "foo-1.0-py3-none.whl",
        "foo-1.0-py3-none-any",
        "foo-x.y-py3-none-any.whl",
        "foo-1.0-local-py3-none-any.whl",
        "foo-1.0-1-2-py3-none-any.whl",
        "-1.0-py3-none-any.whl",
        "foo-1.0-py3--any.whl",
        "foo-1.0-py3.-none-any.whl",
        "foo-1.0-py3-none-.whl",
        "../foo-1.0-py3-none-any.whl",
        "foo\0-1.0-py3-none-any.whl",
        "foo -1.0-py3-none-any.whl",
        "foo-1.0-py3-none-any.whl\n",
        "föö-1.0-py3-none-any.whl",
        "_-1.0-py3-none-any.whl",
        "f" * 300 + "-1.0-py3-none-any.whl",
        f"f-1-{'.'.join('abcdefghijk')}-{'.'.join('abcdefghijk')}-{'.'.join('abcdefghijk')}.whl",
    ],
)
def test_what_is_no_wheel_is_refused(filename: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        WheelName.parse(filename)
    assert len(caught.value.message) < 200
    assert caught.value.hint


identifiers = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@given(
    st.from_regex(r"[a-z0-9]([a-z0-9]|-[a-z0-9]){0,10}", fullmatch=True),
    st.sampled_from(["1", "1.0", "2024.1.post1", "1!0rc1", "3.dev0+a.b"]),
    st.sampled_from(["", "0", "12abc"]),
    st.sets(identifiers, min_size=1, max_size=3),
    st.sets(identifiers, min_size=1, max_size=3),
    st.sets(identifiers, min_size=1, max_size=3),
)
def test_every_name_survives_writing_and_reading(
    project: str, version: str, build: str, pythons: set[str], abis: set[str], platforms: set[str]
) -> None:
    tags = frozenset(Tag(p, a, q) for p in pythons for a in abis for q in platforms)
    name = WheelName(project=project, version=Version(version), build=build, tags=tags)
    assert WheelName.parse(str(name)) == name
