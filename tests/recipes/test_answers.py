"""Answers that are written down as they are given."""

from wheelyard.recipes.answers import RecordedAnswers, Recorder

SAID = RecordedAnswers(
    hash={"https://a.example/x": "a" * 64}, pypi_files={"six": ("six-1.tar.gz",)}
)


def test_what_was_answered_repeats_the_same_answers_and_nothing_else() -> None:
    recorder = Recorder(SAID)
    assert recorder.digest("https://a.example/x", "sha256") == "a" * 64
    assert recorder.digest("https://a.example/y", "sha256") is None
    assert recorder.files("six") == ("six-1.tar.gz",)
    assert recorder.files("seven") is None
    assert recorder.recorded == SAID


def test_what_was_not_asked_is_not_written_down() -> None:
    assert Recorder(SAID).recorded == RecordedAnswers()
