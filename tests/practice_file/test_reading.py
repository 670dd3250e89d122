"""A practice file is read whole, and every mistake is told at once with its line."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from portal_plugin.domain.errors import Mistake, PracticeFileError
from portal_plugin.domain.practice import Closure, Window
from portal_plugin.practice_file import Entries, from_dict, load, to_practice
from tests.practice_file.text import SMALL, changed, line_of, mistakes
from tests.practices import PRACTICE, practice

EXAMPLE = Path(__file__).parents[2] / "docs/examples/practice.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "practice.toml"
    path.write_text(text)
    return path


def resolved(path):
    file = load(path)
    return to_practice(file, {p.key: n for n, p in enumerate(file.providers, 1)}, Entries())


def test_the_example_is_a_practice_file_without_mistakes():
    example = resolved(EXAMPLE)

    assert example.name == "Harbor Street Counseling"
    assert list(example.providers) == ["amara-okafor", "daniel-reyes", "june-takahashi"]
    assert example.types["individual"].duration == timedelta(minutes=50)
    assert example.types["check-in"].confirms_itself
    assert example.closed_on(date(2026, 12, 31))


def test_the_example_says_what_its_comments_say():
    example = resolved(EXAMPLE)
    amara, june = example.providers["amara-okafor"], example.providers["june-takahashi"]
    in_person, video = example.contact_types["in-person"], example.contact_types["telehealth"]
    conference, saturday = date(2027, 1, 14), date(2027, 1, 16)

    assert amara.windows(conference, in_person, example.locations["harbor-street"]) == {"America/New_York": []}
    assert june.windows(saturday, video, None)["America/New_York"] == [Window(540, 780)]
    assert june.windows(saturday, in_person, example.locations["mill-creek"]) == {"America/New_York": []}


def test_the_small_file_of_these_tests_has_no_mistakes(tmp_path):
    assert mistakes(SMALL, tmp_path) == []


def test_what_is_left_out_has_a_sensible_default(tmp_path):
    path = tmp_path / "practice.toml"
    path.write_text(SMALL)
    small = resolved(path)

    assert small.requests_hold_time is True
    assert small.request_expiry is None
    assert small.cancellation_window == timedelta(hours=24)
    assert small.types["visit"].increment == timedelta(minutes=15)
    assert small.providers["ada"].hours[0].location == "main", "where else"
    assert small.providers["ada"].zone == "America/New_York"
    assert small.closures == (Closure(date(2026, 12, 24), date(2027, 1, 1), ""),)
    assert small.reminders == (timedelta(hours=24), timedelta(hours=2))
    assert (small.remind_between, small.email_reminders) == (Window(9 * 60, 20 * 60), False)
    for word in ("2 SMS", "rates may apply", "STOP", "HELP"):
        assert word in small.programme


def test_hours_are_meant_in_the_locations_zone_unless_the_provider_has_one(tmp_path):
    path = tmp_path / "practice.toml"
    path.write_text(changed('name = "The Annex"', 'name = "The Annex"\nzone = "Europe/London"'))
    assert resolved(path).providers["ben"].hours[0].zone == "Europe/London"

    path.write_text(changed('name = "Ben Ito"', 'name = "Ben Ito"\nzone = "Asia/Tokyo"', path.read_text()))
    assert resolved(path).providers["ben"].hours[0].zone == "Asia/Tokyo"


@pytest.mark.parametrize("written", ["9:00-17:00", "09:00-17:00", " 9:00 - 17:00 ", "9:00–17:00"])
def test_hours_may_be_written_as_people_do(written):
    file = from_dict(practice() | {"providers": [PRACTICE["providers"][0] | {"hours": [{"monday": [written]}]}]})

    assert file.providers[0].hours[0].monday == (Window(540, 1020),)


def test_a_day_may_end_at_24():
    file = from_dict(practice() | {"providers": [PRACTICE["providers"][0] | {"hours": [{"monday": ["20:00-24:00"]}]}]})

    assert file.providers[0].hours[0].monday == (Window(1200, 1440),)


@pytest.mark.parametrize("written", [["48h", "3h"], ["48 h", 3], [48, 3]])
def test_reminders_may_be_written_with_their_unit_or_without(written):
    assert from_dict(practice(reminders=written)).practice.reminders == (48, 3)
    assert from_dict(practice(reminders=[])).practice.reminders == ()


WRONG = [
    # old, new, the line it is told of holds, the sentence holds
    ('name = "Main Street"', 'name = "Main Street"\nmap = "the red house"', "the red house", "a whole address"),
    ('name = "Phone call"', 'name = "Phone call"\njoin_url = "meet.example/{provider}"', "join_url", "a whole address"),
    (
        'name = "Phone call"',
        'name = "Phone call"\njoin_url = "https://x.example/{name}"',
        "join_url",
        "only {provider}",
    ),
    ('zone = "America/New_York"', 'zone = "America/New_Yrok"', "New_Yrok", "did you mean 'America/New_York'?"),
    ('zone = "America/New_York"', 'zone = "localtime"', "localtime", "unknown time zone 'localtime'"),
    ('zone = "America/New_York"', 'zone = "../../etc/passwd"', "passwd", "unknown time zone"),
    ('zone = "America/New_York"', "zone = 5", "zone = 5", "unknown time zone 5"),
    ('name = "Elm Row Practice"', 'nmae = "Elm Row Practice"', "nmae", "did you mean 'name'?"),
    ('name = "Elm Row Practice"\n', "", "[practice]", "'name' is missing"),
    ('name = "Elm Row Practice"', 'name = ""', 'name = ""', "at least 1 character"),
    ('name = "Elm Row Practice"', "name = 7", "name = 7", "valid string, not 7"),
    ("[[closures]]", "[[closure]]", "[[closure]]", "did you mean 'closures'?"),
    (
        'key = "visit"',
        'key = "First Visit"',
        "First Visit",
        'lower-case letters, digits and hyphens, such as "first-visit"',
    ),
    ("zone =", "reminders = ['48h', '24h', '2h']\nzone =", "reminders", "write a list of at most two"),
    ("zone =", "reminders = '24h'\nzone =", "reminders", "write a list of at most two"),
    ("zone =", "reminders = ['1 day']\nzone =", "reminders", "such as \"24h\", not '1 day'"),
    ("zone =", "reminders = [1.5]\nzone =", "reminders", 'such as "24h", not 1.5'),
    ("zone =", "reminders = [true]\nzone =", "reminders", 'such as "24h", not True'),
    ("zone =", "reminders = ['0h']\nzone =", "reminders", "between 1 and 8760 hours before the start, not 0"),
    ("zone =", "reminders = [-2]\nzone =", "reminders", "between 1 and 8760 hours before the start, not -2"),
    ("zone =", "reminders = [24, '24 h']\nzone =", "reminders", "24 hours stand there twice"),
    ("zone =", "remind_between = '9:00-9:30'\nzone =", "remind_between", "at least an hour of the day"),
    ("zone =", "remind_between = 'day'\nzone =", "remind_between", 'write hours as "9:00-17:00"'),
    ("zone =", "email_reminders = 'yes'\nzone =", "email_reminders", "valid boolean"),
    ("minutes = 50", "minute = 50", "minute = 50", "did you mean 'minutes'?"),
    ("minutes = 50", 'minutes = "fifty"', "fifty", "valid integer"),
    ("minutes = 50", "minutes = 0", "minutes = 0", "greater than or equal to 1, not 0"),
    ("minutes = 50", "minutes = 1441", "minutes = 1441", "less than or equal to 1440"),
    ("minutes = 50", "minutes = 1440\nbuffer_after = 1", "minutes = 1440", "longer than a day"),
    ("minutes = 50", "minutes = true", "minutes = true", "valid integer"),
    ("minutes = 50", 'minutes = "50"', 'minutes = "50"', "valid integer"),
    ("minutes = 50", "minutes = [50]", "minutes = [50]", "valid integer"),
    (
        'contact_types = ["in-person", "phone"]\n\n[[p',
        'contact_types = ["in-persn"]\n\n[[p',
        "in-persn",
        "did you mean 'in-person'?",
    ),
    (
        'contact_types = ["in-person", "phone"]\n\n[[p',
        "contact_types = []\n\n[[p",
        "contact_types = []",
        "at least 1 item",
    ),
    (
        'contact_types = ["in-person", "phone"]\n\n[[p',
        'contact_types = "phone"\n\n[[p',
        'types = "phone"',
        "valid tuple",
    ),
    ('types = ["visit"]', 'types = ["vist"]', "vist", "unknown appointment type 'vist'; did you mean 'visit'?"),
    ('locations = ["main"]', 'locations = ["mian"]', "mian", "unknown location 'mian'; did you mean 'main'?"),
    ('locations = ["main"]', "locations = []", '[[providers]]\nkey = "ada"', "list at least one under locations"),
    (
        'location = "annex"',
        'location = "anex"',
        '"anex"',
        "unknown location of this provider 'anex'; did you mean 'annex'?",
    ),
    (
        '  location = "annex"\n',
        "",
        "[[providers.hours]]\n  friday",
        "works at several locations; say which these hours are at",
    ),
    ("13:00-17:00", "17:00-13:00", "17:00-13:00", "ends before it begins; hours past midnight are two windows"),
    ("13:00-17:00", "13:00-13:00", "13:00-13:00", "ends before it begins"),
    ("13:00-17:00", "13:00-24:30", "13:00-24:30", "the day ends at 24:00"),
    ("13:00-17:00", "13:00-14:60", "13:00-14:60", "not a time of day"),
    ("13:00-17:00", "1pm-5pm", "1pm-5pm", "write hours as \"9:00-17:00\", not '1pm-5pm'"),
    ("13:00-17:00", "１３:00-17:00", "１３:00", "write hours as"),
    ('["9:00-12:00", "13:00-17:00"]', '"9:00-12:00"', 'monday = "9:00-12:00"', "valid tuple"),
    ('["9:00-12:00", "13:00-17:00"]', "[9]", "monday = [9]", "write hours as"),
    ("  monday =", "  mondays =", "mondays", "did you mean 'monday'?"),
    ("date = 2027-01-14", 'date = "tomorrow"', "tomorrow", "write a date as 2027-01-31, not 'tomorrow'"),
    ("date = 2027-01-14", 'date = "2027-02-30"', "2027-02-30", "day is out of range"),
    ("date = 2027-01-14", "date = 2027-01-14T09:00:00", "T09", "write a date as 2027-01-31"),
    ("date = 2027-01-14", "date = 20270114", "20270114", "write a date as 2027-01-31"),
    ("hours = []", 'hours = []\n  contact_types = ["fone"]', "fone", "did you mean 'phone'?"),
    ("date = 2027-01-14\n", "", "[[providers.overrides]]", "'date' is missing"),
    ("last = 2027-01-01", "last = 2026-12-23", "last = 2026-12-23", "2026-12-23 is before the first day, 2026-12-24"),
    ("last = 2027-01-01", "last = 2126-12-25", "last = 2126-12-25", "more than ten years; check the year"),
    (
        'key = "annex"',
        'key = "main"',
        '\nkey = "main"\nname = "The Annex"',
        "'main' is used twice; give each its own key",
    ),
    ('key = "ben"', 'key = "ada"', 'key = "ada"\nname = "Ben Ito"', "'ada' is used twice"),
    ('phone = "+1 212 555 0100"', 'phone = "1"\ncountry = "usa"', "usa", "string should match pattern"),
    (
        'phone = "+1 212 555 0100"',
        'phone = "1"\ncancellation_hours = -1',
        "cancellation_hours",
        "greater than or equal to 0",
    ),
    ('phone = "+1 212 555 0100"', 'phone = "1"\nrequests_hold_time = "maybe"', "requests_hold_time", "valid boolean"),
    (
        "  tuesday =",
        "  valid_from = 2027-02-01\n  valid_until = 2027-01-01\n  tuesday =",
        "valid_until",
        "2027-01-01 is before valid_from",
    ),
]


@pytest.mark.parametrize(("old", "new", "told_at", "sentence"), WRONG, ids=[case[1].strip()[:40] for case in WRONG])
def test_a_mistake_is_told_with_its_line_and_what_to_write(old, new, told_at, sentence, tmp_path):
    text = changed(old, new)
    line = text[: text.index(told_at)].count("\n") + 1 + (told_at.startswith("\n"))

    told = mistakes(text, tmp_path)

    assert [mistake.line for mistake in told if sentence in mistake.what] == [line], told


def test_a_mistake_is_called_by_the_names_in_the_file(tmp_path):
    (told,) = mistakes(changed('friday = ["9:00-12:00"]', 'friday = ["9:00-8:00"]'), tmp_path)

    assert str(told) == (
        f"line {told.line}, providers 'ben', hours 1, friday: '9:00-8:00' ends before it begins; "
        "hours past midnight are two windows on two days"
    )


def test_every_mistake_is_told_at_once(tmp_path):
    text = changed("minutes = 50", "minutes = 0")
    text = changed("13:00-17:00", "17:00-13:00", text)
    text = changed("date = 2027-01-14", "dat = 2027-01-14", text)
    text = changed("New_York", "Old_York", text)

    assert {mistake.line for mistake in mistakes(text, tmp_path)} >= {
        line_of(text, "Old_York"),
        line_of(text, "minutes = 0"),
        line_of(text, "17:00-13:00"),
        line_of(text, "dat = "),
    }


def test_mistakes_are_told_from_the_top_of_the_file_down(tmp_path):
    text = changed("minutes = 50", "minutes = 0")
    text = changed("New_York", "Old_York", text)

    assert [mistake.line for mistake in mistakes(text, tmp_path)] == [
        line_of(text, "Old_York"),
        line_of(text, "minutes = 0"),
    ]


def test_every_contradiction_is_told_at_once(tmp_path):
    text = changed('types = ["visit"]', 'types = ["vist"]')
    text = changed("last = 2027-01-01", "last = 2026-01-01", text)
    text = changed('location = "annex"', 'location = "moon"', text)

    assert len(mistakes(text, tmp_path)) == 3


def test_an_unknown_name_with_nothing_like_it_gets_no_suggestion(tmp_path):
    (told,) = mistakes(changed('types = ["visit"]', 'types = ["zzz"]'), tmp_path)

    assert told.what == "unknown appointment type 'zzz'"


def test_a_practice_without_a_practice_table_is_told_at_line_1(tmp_path):
    told = mistakes("[[closures]]\nfirst = 2026-12-24\n", tmp_path)

    assert told == [Mistake(1, "practice", "'practice' is missing")]


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_is_told_what_is_missing(text, tmp_path):
    assert [mistake.what for mistake in mistakes(text, tmp_path)] == ["'practice' is missing"]


# What stops reading.


def test_a_toml_mistake_is_told_with_its_line(tmp_path):
    text = changed("minutes = 50", "minutes = fifty")

    (told,) = mistakes(text, tmp_path)

    assert told.line == line_of(text, "fifty")
    assert told.where == "not valid TOML"


def test_a_string_left_open_at_the_end_is_told_at_the_end(tmp_path):
    (told,) = mistakes('[practice]\nname = "Elm', tmp_path)

    assert told.line == 2


@pytest.mark.parametrize("twice", ['key = "visit"\nkey = "visit"', 'key = "visit"\nkey = "other"'])
def test_a_key_written_twice_in_one_table_is_no_toml(twice, tmp_path):
    (told,) = mistakes(changed('key = "visit"', twice), tmp_path)

    assert told.where == "not valid TOML"
    assert told.line == line_of(SMALL, 'key = "visit"') + 1


def test_a_file_that_is_not_utf_8_is_told_at_the_first_line_that_is_not(tmp_path):
    path = tmp_path / "practice.toml"
    path.write_bytes('[practice]\nname = "Café"\n'.encode("latin-1"))

    with pytest.raises(PracticeFileError) as refusal:
        load(path)

    assert [(m.line, m.what) for m in refusal.value.mistakes] == [(2, "is not UTF-8 text; save it as UTF-8")]


def test_a_file_that_a_windows_editor_marked_as_utf_8_is_read(tmp_path):
    path = tmp_path / "practice.toml"
    path.write_text(SMALL, encoding="utf-8-sig")

    assert load(path).practice.name == "Elm Row Practice"


def test_a_file_that_is_not_there_is_told_by_name(tmp_path):
    with pytest.raises(PracticeFileError, match=r"nowhere\.toml: cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")


def test_a_folder_is_no_practice_file(tmp_path):
    with pytest.raises(PracticeFileError, match="cannot be read"):
        load(tmp_path)


# Lines.


def test_lines_hold_after_windows_line_ends(tmp_path):
    text = changed("minutes = 50", "minutes = 0").replace("\n", "\r\n")

    (told,) = mistakes(text, tmp_path)

    assert told.line == line_of(SMALL, "minutes = 50")


def test_lines_hold_after_a_text_over_several_lines(tmp_path):
    text = changed('phone = "+1 212 555 0100"', 'phone = "1"\naddress = """\nOne\n[practice]\nname = 3\n"""')
    text = changed("minutes = 50", "minutes = 0", text)

    (told,) = mistakes(text, tmp_path)

    assert told.line == line_of(text, "minutes = 0")


def test_lines_hold_after_a_list_over_several_lines(tmp_path):
    text = changed('["9:00-12:00", "13:00-17:00"]', '[\n    "9:00-12:00",\n    "17:00-13:00",\n  ]')
    text = changed("minutes = 50", "minutes = 0", text)

    assert [mistake.line for mistake in mistakes(text, tmp_path)] == [
        line_of(text, "minutes = 0"),
        line_of(text, "monday"),
    ]


def test_lines_hold_after_a_line_separator_within_a_text(tmp_path):
    """TOML counts lines by line feeds alone; Python's splitlines counts more."""
    text = changed('name = "Main Street"', 'name = "Main\u2028Street\u0085"')
    text = changed("minutes = 50", "minutes = 0", text)

    (told,) = mistakes(text, tmp_path)

    assert told.line == text.split("\n").index("minutes = 0") + 1


def test_an_inline_table_is_told_at_its_line(tmp_path):
    text = changed("  [[providers.overrides]]\n  date = 2027-01-14\n  hours = []\n", "", SMALL)
    text = changed(
        'name = "Ada Moreau"', 'name = "Ada Moreau"\noverrides = [{ date = 2027-01-14, hours = ["x"] }]', text
    )

    (told,) = mistakes(text, tmp_path)

    assert told.line == line_of(text, "overrides = ")


def test_a_dict_has_no_lines():
    with pytest.raises(PracticeFileError) as refusal:
        from_dict(practice(zone="Mars/Olympus"))

    (told,) = refusal.value.mistakes
    assert told.line is None
    assert str(told) == "practice, zone: unknown time zone 'Mars/Olympus'"


HOLIDAYS = """
[holidays]
country = "US"
subdivision = "ME"
open = ["Patriots' Day", 2027-11-11]
"""


def test_public_holidays_close_the_practice_in_every_year_unless_they_are_open(tmp_path):
    practice = resolved(write(tmp_path, SMALL + HOLIDAYS))

    assert practice.closed_on(date(2027, 11, 25)) == "Thanksgiving Day"
    assert practice.closed_on(date(2031, 7, 4)) == "Independence Day"
    assert practice.closed_on(date(2027, 4, 19)) is None, "Patriots' Day is worked in every year"
    assert practice.closed_on(date(2027, 11, 11)) is None, "Veterans Day is worked in this one"
    assert practice.closed_on(date(2028, 11, 10)) == "Veterans Day"


def test_a_holiday_worked_by_its_english_name_is_open_in_a_country_of_another_language(tmp_path):
    practice = resolved(write(tmp_path, SMALL + '[holidays]\ncountry = "DE"\nopen = ["Labor Day", "Neujahr"]\n'))

    assert practice.closed_on(date(2027, 5, 1)) is None
    assert practice.closed_on(date(2028, 1, 1)) is None
    assert practice.closed_on(date(2027, 10, 3)) == "Tag der Deutschen Einheit"


def test_the_observed_day_is_open_with_its_holiday(tmp_path):
    practice = resolved(write(tmp_path, SMALL + '[holidays]\ncountry = "US"\nopen = ["Independence Day"]\n'))

    assert practice.closed_on(date(2027, 7, 5)) is None


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('country = "USA"', "unknown country 'USA': write its two letters, such as 'US'"),
        ('country = "US"\nsubdivision = "XX"', "unknown subdivision 'XX' of US; there are: AK, AL,"),
        ('country = "US"\nopen = ["Thanksgivin Day"]', "did you mean 'Thanksgiving Day'?"),
        ('country = "US"\nopen = [2027-13-01]', "not valid TOML"),
    ],
)
def test_a_holiday_that_is_none_is_a_mistake_with_its_line(tmp_path, written, sentence):
    with pytest.raises(PracticeFileError) as refused:
        load(write(tmp_path, f"{SMALL}[holidays]\n{written}\n"))

    assert sentence in str(refused.value)
    assert (refused.value.mistakes[0].line or 0) > SMALL.count("\n")


def test_a_type_may_name_its_providers_or_a_provider_their_types(tmp_path):
    text = changed("minutes = 50", 'minutes = 50\nproviders = ["ben"]')
    assert text.count('types = ["visit"]\ncontact_types = ["phone"]') == 1
    text = text.replace('types = ["visit"]\ncontact_types = ["phone"]', 'contact_types = ["phone"]')
    practice = resolved(write(tmp_path, text))

    assert [one.key for one in practice.providers_for(practice.types["visit"], practice.contact_types["phone"])] == [
        "ada",
        "ben",
    ]


def test_an_unknown_audience_names_those_there_are(tmp_path):
    with pytest.raises(PracticeFileError, match=r"write one of 'anyone', 'clients', 'invited', not 'client'"):
        load(write(tmp_path, SMALL.replace("minutes = 50", 'minutes = 50\nwho = "client"')))


# Behind a mistake of shape, what does not fit together is told all the same, as far as it is certain.

HIDING = ("13:00-17:00", "17:00-13:00")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('contact_types = ["phone"]', 'contact_types = ["fone"]', "unknown contact type 'fone'; did you mean 'phone'?"),
        (
            'types = ["visit"]\ncontact_types = ["in',
            'types = ["vist"]\ncontact_types = ["in',
            "unknown appointment type",
        ),
        ('locations = ["main", "annex"]', 'locations = ["main", "anex"]', "unknown location 'anex'"),
        ("minutes = 50", "minutes = 1440\nbuffer_after = 1", "longer than a day"),
        ("minutes = 50", 'minutes = 50\nproviders = ["bne"]', "unknown provider 'bne'; did you mean 'ben'?"),
        ("last = 2027-01-01", "last = 2026-12-23", "is before the first day"),
        ('key = "ben"', 'key = "ada"', "'ada' is used twice"),
        ('  location = "annex"\n', "", "works at several locations"),
        ("hours = []", 'hours = []\n  location = "annex"', "unknown location of this provider 'annex'"),
        ("  tuesday =", "  valid_from = 2027-02-01\n  valid_until = 2027-01-01\n  tuesday =", "before valid_from"),
        ("[[closures]]", '[holidays]\ncountry = "USA"\nopen = [5]\n[[closures]]', "unknown country 'USA'"),
        ("[[closures]]", '[holidays]\ncountry = "US"\nopen = [5, "Xmas"]\n[[closures]]', "no public holiday is called"),
    ],
)
def test_a_mistake_of_shape_hides_no_other(old, new, sentence, tmp_path):
    told = mistakes(changed(*HIDING, text=changed(old, new)), tmp_path)

    assert any("ends before it begins" in mistake.what for mistake in told)
    assert any(sentence in mistake.what for mistake in told), told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('key = "annex"', 'kye = "annex"'),
        ('key = "annex"', "key = 5"),
        ('[[locations]]\nkey = "annex"', '[[location]]\nkey = "annex"'),
        ('[[contact_types]]\nkey = "in-person"', '[[contact_typs]]\nkey = "in-person"'),
        ('key = "phone"', 'key = "Phone"'),
        ('locations = ["main"]', 'location = ["main"]'),
        ('locations = ["main"]', "locations = [5]"),
        ('locations = ["main", "annex"]', 'locations = "main"'),
        ('locations = ["main", "annex"]', 'locations = ["main", 5]'),
        ('  location = "annex"', '  locatoin = "annex"'),
        ('  location = "annex"', "  location = 5"),
        ("at_location = true", 'at_location = "yes"'),
        ("minutes = 50", "minutes = 1441"),
        ("last = 2027-01-01", 'last = "new year"'),
        ("first = 2026-12-24", 'first = "christmas"'),
        ("[[closures]]", '[holidays]\ncountry = 5\nopen = ["Xmas"]\n[[closures]]'),
        ("[[closures]]", '[holidays]\ncountry = "US"\nsubdivison = "ME"\nopen = ["Patriots\' Day"]\n[[closures]]'),
    ],
)
def test_nothing_is_concluded_from_what_cannot_be_read(old, new, tmp_path):
    """One slip is one mistake, at its own line: what refers to it is not called wrong as well."""
    text = changed(old, new)
    spoilt = [n for n, line in enumerate(text.split("\n"), 1) if line not in SMALL.split("\n")]

    told = mistakes(text, tmp_path)

    assert told
    assert all("unknown setting" in m.what or "is missing" in m.what or m.line in spoilt for m in told), told


def test_a_key_that_is_written_wrong_is_known_all_the_same(tmp_path):
    text = changed('key = "annex"', 'key = "The Annex"').replace('["main", "annex"]', '["main", "The Annex"]')
    text = changed('location = "annex"', 'location = "The Annex"', text)

    (told,) = mistakes(text, tmp_path)

    assert told.line == line_of(text, 'key = "The Annex"')


QUESTIONS = """
[new_clients]
link_minutes = 5

  [[new_clients.questions]]
  key = "brings"
  label = "What brings you here?"
  kind = "chioce"

  [[new_clients.questions]]
  key = "brings"
  label = "How did you hear of us?"
  kind = "choice"
  options = ["A friend"]

  [[new_clients.questions]]
  key = "before"
  label = "Have you been here before?"
  kind = "yes_no"
  options = ["Often", "Never"]
"""


def test_each_mistake_about_new_clients_has_its_line(tmp_path):
    text = SMALL + QUESTIONS
    told = {(mistake.line, mistake.what) for mistake in mistakes(text, tmp_path)}

    twice = [n for n, line in enumerate(text.split("\n"), 1) if 'key = "brings"' in line][1]
    assert told == {
        (line_of(text, "link_minutes"), "input should be greater than or equal to 10, not 5"),
        (
            line_of(text, "chioce"),
            "write one of 'text', 'choice', 'yes_no', 'date', not 'chioce'; did you mean 'choice'?",
        ),
        (twice, "'brings' is used twice; give each its own key"),
        (line_of(text, '["A friend"]'), "a choice needs at least two options"),
        (line_of(text, '"Often"'), 'only a question of the kind "choice" has options'),
    }


def test_the_example_takes_new_clients():
    taken = resolved(EXAMPLE).new_clients

    assert taken.link_life == timedelta(hours=1)
    assert [(one.kind, one.required) for one in taken.questions] == [
        ("text", False),
        ("choice", False),
        ("yes_no", True),
    ]
    assert resolved(EXAMPLE).types["first-visit"].open_to(new=True)
