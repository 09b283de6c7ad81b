"""What compilers made is kept for each source and platform, and nothing else comes in with it."""

import os
from dataclasses import replace
from pathlib import Path

from store.things import offer
from wheelyard.executor.compiler_cache import Hits, check_in, check_out, hits_in
from wheelyard.model.job import Offer
from wheelyard.targets.target import Target

OFFER = offer("k1" * 20, "six==1.0", Target.parse("cp311-manylinux_2_28_x86_64"))


def of(index: str = "https://index.example/simple", target: str = "cp311", **more: str) -> Offer:
    source = replace(OFFER.source, index=index, **more)  # type: ignore[arg-type]
    wanted = Target.parse(f"{target}-manylinux_2_28_x86_64")
    return replace(OFFER, source=source, target=wanted)


def build(caches: Path, folder: Path, wanted: Offer, **files: str) -> set[str]:
    """Have a build add files to its cache, and return what it found there."""
    check_out(caches, wanted, folder)
    found = {path.name for path in folder.rglob("*") if path.is_file()}
    for name, text in files.items():
        (folder / name).write_text(text)
    check_in(caches, wanted, folder)
    return found


def test_pythons_of_a_platform_share_a_cache_and_projects_of_other_places_do_not(
    tmp_path: Path,
) -> None:
    caches = tmp_path / "caches"
    assert build(caches, tmp_path / "1", of(), a="1") == set()
    assert build(caches, tmp_path / "2", of(target="cp312")) == {"a"}
    assert build(caches, tmp_path / "3", of("https://other.example/simple")) == set()
    assert build(caches, tmp_path / "4", of("", location="/elsewhere/six")) == set()


def test_builds_at_the_same_time_both_find_it_and_both_add_to_it(tmp_path: Path) -> None:
    caches, wanted = tmp_path / "caches", of()
    build(caches, tmp_path / "0", wanted, a="1")
    one, two = tmp_path / "one", tmp_path / "two"
    check_out(caches, wanted, one)
    check_out(caches, wanted, two)
    assert (one / "a").read_text() == (two / "a").read_text() == "1"
    (one / "b").write_text("2")
    (two / "c").write_text("3")
    check_in(caches, wanted, one)
    check_in(caches, wanted, two)
    assert build(caches, tmp_path / "3", wanted) == {"a", "b", "c"}


def test_what_is_no_plain_file_or_says_how_ccache_behaves_is_left_out(tmp_path: Path) -> None:
    caches, place = tmp_path / "caches", tmp_path / "place"
    (tmp_path / "secret").write_text("s")
    check_out(caches, of(), place)
    (place / "link").symlink_to(tmp_path / "secret")
    (place / "folder").symlink_to(tmp_path)
    os.mkfifo(place / "pipe")
    (place / "ccache.conf").write_text("prefix_command = evil")
    (place / "stats").write_text("1")
    (place / "object").write_text("o")
    check_in(caches, of(), place)
    assert build(caches, tmp_path / "next", of()) == {"object"}


def test_a_cache_that_grew_too_large_loses_what_is_oldest(tmp_path: Path) -> None:
    caches = tmp_path / "caches"
    for number, name in enumerate(("a", "b", "c")):
        place = tmp_path / name
        check_out(caches, of(), place)
        (place / name).write_text("x" * 10)
        os.utime(place / name, (number, number))
        check_in(caches, of(), place, most_bytes=25)
    assert build(caches, tmp_path / "next", of()) == {"b", "c"}


def test_hits_are_counted_by_what_ccache_wrote_down(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "# a.c\ncache_miss\ndirect_cache_miss\nlocal_storage_miss\n"
        "# b.c\ndirect_cache_hit\nlocal_storage_hit\n# c.c\npreprocessed_cache_hit\n# d.o\ncalled_for_link\n"
    )
    assert hits_in(log) == Hits(2, 3)
    assert hits_in(tmp_path / "nothing") == Hits()
    (tmp_path / "other").symlink_to(log)
    assert hits_in(tmp_path / "other") == Hits()
