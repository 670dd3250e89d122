"""Whatever a practice file holds, the answer is a practice or a list of mistakes."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal_plugin.domain.errors import PracticeFileError
from portal_plugin.practice_file import PracticeFile, Written, from_dict, load
from tests.practice_file.text import SMALL, refusal
from tests.practices import PRACTICE

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.times()
    | st.sampled_from(["main", "ada", "visit", "9:00-17:00", "24:00-24:00", "America/New_York", date.max, date.min])
)
WORDS = st.sampled_from(
    [
        *PracticeFile.model_fields,
        *(
            name
            for kind in ("locations", "contact_types", "appointment_types", "providers")
            for name in PRACTICE[kind][0]
        ),
        "overrides",
        "monday",
        "location",
        "date",
        "first",
        "last",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


def read(data: object) -> None:
    """Fails the test when anything but a PracticeFileError comes out."""

    def with_warnings(data):
        return Written(from_dict(data), {}).warnings(date(2026, 12, 7))

    refused = refusal(with_warnings, data)
    if refused:
        assert refused.mistakes
        assert all(mistake.where and mistake.what for mistake in refused.mistakes)


@settings(max_examples=100, deadline=None)
@given(VALUES)
@example([])
@example({"practice": None})
@example({"closures": [{"first": date.max, "last": date.max}]})
@example({"closures": [{"first": datetime(2026, 1, 1, tzinfo=UTC), "last": time(1)}]})
@example({"providers": [[]]})
@example({"providers": {"0": {}}})
def test_any_value_is_read_or_refused(data):
    read(data)


@st.composite
def nearly_right(draw):
    """The practice of the tests with one value somewhere in it replaced, removed or added."""

    def spoil(value):
        if draw(st.integers(0, 3)) == 0:
            return draw(VALUES)
        if isinstance(value, dict) and value:
            key = draw(st.sampled_from([*value]))
            change = draw(st.sampled_from(["go on", "go on", "remove", "add"]))
            if change == "remove":
                return {name: inner for name, inner in value.items() if name != key}
            if change == "add":
                return value | {draw(WORDS): draw(VALUES)}
            return value | {key: spoil(value[key])}
        if isinstance(value, list) and value:
            n = draw(st.integers(0, len(value) - 1))
            return [*value[:n], spoil(value[n]), *value[n + 1 :]]
        return draw(VALUES)

    return spoil(PRACTICE)


@settings(max_examples=200, deadline=None)
@given(nearly_right())
def test_a_practice_with_one_thing_changed_is_read_or_refused(data):
    read(data)


def read_text(text: str, path: Path) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused = refusal(load, path)
    if refused:
        lines = text.count("\n") + text.count("\r") + 1
        assert all(mistake.line is None or 1 <= mistake.line <= lines for mistake in refused.mistakes)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("garbage") / "practice.toml"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="[]{}=\"'.,\n #abk1-:", max_size=80))
def test_any_text_is_read_or_refused(path, text):
    read_text(text, path)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SMALL)), st.integers(0, 12), st.text(alphabet="[]{}=\"'.\n\r #a1-:\u2028", max_size=6))
def test_the_small_file_with_a_slip_of_the_hand_is_read_or_refused(path, at, length, typed):
    read_text(SMALL[:at] + typed + SMALL[at + length :], path)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "x = " + "{a=" * 100_000,
        "x = " + "1" * 5_000,
        "x = 0x" + "f" * 50_000,
        "x = 1e999999",
        "x = 2026-02-30",
        "x = 25:00:00",
        "x." * 5_000 + "x = 1",
        "\0",
        '[practice]\nname = "\\uD800"',
    ],
    ids=lambda text: text[:12],
)
def test_text_that_tires_a_parser_is_refused(text, path):
    path.write_text(text)

    with pytest.raises(PracticeFileError):
        load(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(path, content):
    path.write_bytes(content)

    with pytest.raises(PracticeFileError):
        load(path)
