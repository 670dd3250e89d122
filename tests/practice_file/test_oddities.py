"""What is legal and odd is told with its line and what to do; a sensible file gives nothing to say."""

from datetime import date

import pytest

from portal_plugin.practice_file import Written, from_dict, read
from tests.cli import test_commands as commands
from tests.practice_file.test_reading import EXAMPLE, HOLIDAYS, write
from tests.practice_file.text import SMALL, changed, line_of
from tests.practices import PRACTICE

TODAY = date(2026, 12, 7)


def warnings(text, folder, today=TODAY):
    return read(write(folder, text)).warnings(today)


@pytest.mark.parametrize("text", [SMALL, commands.SMALL, EXAMPLE.read_text()], ids=["small", "smaller", "example"])
def test_a_sensible_file_gives_none(text, tmp_path):
    assert warnings(text, tmp_path) == []


def test_the_practice_of_the_tests_gives_none_and_a_dict_has_no_lines():
    assert Written(from_dict(PRACTICE), {}).warnings(TODAY) == []
    odd = PRACTICE | {"locations": [*PRACTICE["locations"], {"key": "moon", "name": "The Moon"}]}
    assert [str(warning) for warning in Written(from_dict(odd), {}).warnings(TODAY)] == [
        "locations 'moon': nobody works there; name it under locations of a provider, or remove it"
    ]


ADA = 'types = ["visit"]\ncontact_types = ["in-person", "phone"]'
MONDAY = '  monday = ["9:00-12:00", "13:00-17:00"]\n'
NEW_TYPE = '[[appointment_types]]\nkey = "group"\nname = "Group"\nminutes = 90\ncontact_types = ["phone"]\n'
NEW_CONTACT = '[[contact_types]]\nkey = "video"\nname = "Video call"\n'
AT_MAIN = "  [[providers.hours]]\n  location = 'main'\n"
NEW_HOURS = "  [[providers.hours]]\n  location = 'annex'\n"
PROVIDERS = "[[providers]]\nkey = 'cleo'\nname = 'Cleo Diaz'\n"

ODD = [
    # old, new, the line it is told of holds, the sentence holds
    # What is offered.
    (
        "[[providers]]",
        NEW_TYPE + "[[providers]]",
        '[[appointment_types]]\nkey = "group"',
        "nobody offers it, so it cannot",
    ),
    (
        'contact_types = ["in-person", "phone"]\n\n[[providers]]',
        f'contact_types = ["phone", "in-person"]\n\n{NEW_TYPE}providers = ["ada"]\n\n{NEW_CONTACT}\n[[providers]]',
        '[[contact_types]]\nkey = "video"',
        "nobody uses it; name it under contact_types of types and providers",
    ),
    (
        "hours = []",
        f"hours = []\n{PROVIDERS}contact_types = ['phone']",
        "[[providers]]\nkey = 'cleo'",
        "offers no appointment",
    ),
    (
        "hours = []",
        f"hours = []\n{PROVIDERS}contact_types = []\ntypes = ['visit']",
        "contact_types = []",
        "Cleo Diaz meets clients in no way",
    ),
    (
        "hours = []",
        f"hours = []\n{PROVIDERS}contact_types = ['phone']\ntypes = ['visit']",
        "[[providers]]\nkey = 'cleo'",
        "Cleo Diaz has no hours",
    ),
    (
        'name = "The Annex"',
        'name = "The Annex"\n[[locations]]\nkey = "moon"\nname = "Moon"',
        '[[locations]]\nkey = "moon"',
        "nobody works there",
    ),
    ('name = "The Annex"', 'name = "main street"', "main street", "also the name of 'main'"),
    (
        'name = "Ben Ito"',
        'name = "Ada Moreau"',
        'name = "Ada Moreau"\nlocations = ["main", "annex"]',
        "also the name of 'ada'",
    ),
    ('phone = "+1 212 555 0100"', 'phone = "1"\nemail = "desk"', "email", "'desk' is no mail address"),
    # Reminders.
    ("zone =", "reminders = []\nemail_reminders = true\nzone =", "email_rem", "no effect without reminders"),
    ("zone =", "reminders = ['2000h']\nzone =", "reminders", "nothing can be booked more than 1440 hours ahead"),
    ("zone =", "remind_between = '7:00-20:00'\nzone =", "remind_between", "between 8:00 and 21:00"),
    # Rules of a type.
    (
        "minutes = 50",
        "minutes = 50\nhorizon_days = 1\nnotice_hours = 48",
        "horizon_days",
        "shorter than the notice of 48 hours",
    ),
    ("minutes = 50", "minutes = 50\nhorizon_days = 0", "horizon_days", "shorter than the notice of 24 hours"),
    (
        "minutes = 50",
        "minutes = 50\nincrement = 300",
        "increment",
        "longer than all hours in which it is offered (at most 240)",
    ),
    (
        "minutes = 50",
        'minutes = 50\nwho = "invited"\nconfirm_automatically = true',
        "confirm_auto",
        'no effect with who = "invited"',
    ),
    (
        "minutes = 50",
        "minutes = 50\nopen_requests = 2\nconfirm_automatically = true",
        "open_requests",
        "no effect with confirm_auto",
    ),
    (
        "minutes = 50",
        "minutes = 50\nwaitlist = false",
        "waitlist =",
        "it has no effect without a waitlist; set waitlist_hours under [practice], or remove it",
    ),
    # Hours.
    (
        'tuesday = ["9:00-12:00"]',
        'tuesday = ["9:00-9:30"]',
        "tuesday",
        "9:00-9:30 is shorter than all that Ada Moreau offers then (at least 50",
    ),
    (
        'tuesday = ["9:00-12:00"]',
        'tuesday = ["1:00-5:00"]',
        "tuesday",
        "1:00-5:00 is in the night; the afternoon is written 13:00-17:00",
    ),
    (
        'tuesday = ["9:00-12:00"]',
        'tuesday = ["9:00-12:00", "8:00-9:30"]',
        "tuesday",
        "9:00-12:00 and 8:00-9:30 overlap",
    ),
    (
        'friday = ["9:00-12:00"]',
        'friday = ["9:00-12:00"]\n  contact_types = ["in-person"]',
        "friday",
        "nothing that Ben Ito offers can take place",
    ),
    (
        'friday = ["9:00-12:00"]',
        f'friday = ["9:00-12:00"]\n{NEW_HOURS}',
        NEW_HOURS[:21] + "\n  location = 'annex'\n\n",
        "no day has hours here",
    ),
    ("  tuesday =", "  valid_until = 2026-12-06\n  tuesday =", "valid_until", "ended on 2026-12-06; remove them"),
    (
        'friday = ["9:00-12:00"]',
        f'friday = ["9:00-12:00"]\n{NEW_HOURS}  friday = ["10:00-11:00"]\n  valid_from = 2027-02-01',
        "10:00-11:00",
        "overlap with these, and all of them count",
    ),
    (
        'contact_types = ["phone"]\n\n  [[providers.hours]]',
        f'contact_types = ["phone"]\n\n{AT_MAIN}  friday = ["11:00-15:00"]\n\n  [[providers.hours]]',
        'friday = ["9:00-12:00"]',
        "has hours at 'main' at the same time",
    ),
    (
        MONDAY,
        MONDAY + '  contact_types = ["in-person"]\n',
        'contact_types = ["in-person", "phone"]\n\n  [[',
        "no hours for 'phone'",
    ),
    (
        'name = "Ada Moreau"',
        'name = "Ada Moreau"\nzone = "Europe/London"',
        "Europe/London",
        "meant on the clock of Europe/London too",
    ),
    # Dates.
    (
        "last = 2027-01-01",
        "last = 2026-12-24\n[holidays]\ncountry = 'US'\nopen = [2027-07-06]",
        "open",
        "2027-07-06 is no public holiday",
    ),
    (
        "date = 2027-01-14",
        "date = 2026-12-25",
        "date = 2026-12-25",
        "says nothing new, since nobody works on 2026-12-25",
    ),
    (
        "date = 2027-01-14\n  hours = []",
        'date = 2026-12-25\n  hours = ["9:00-12:00"]',
        "date = 2026-12-25",
        "it has no effect",
    ),
    ("hours = []", 'hours = ["9:00-9:30"]', 'hours = ["9:00-9:30"]', "9:00-9:30 is shorter"),
    (
        "hours = []",
        'hours = []\n  [[providers.overrides]]\n  date = 2027-01-14\n  hours = ["9:00-12:00"]',
        'date = 2027-01-14\n  hours = ["9',
        "2027-01-14 is overridden more than once",
    ),
]


@pytest.mark.parametrize(("old", "new", "told_at", "sentence"), ODD, ids=[case[3][:40] for case in ODD])
def test_an_oddity_is_told_with_its_line_and_nothing_else_is(old, new, told_at, sentence, tmp_path):
    text = changed(old, new)

    (told,) = warnings(text, tmp_path)

    assert sentence in told.what
    assert told.line == text[: text.index(told_at)].count("\n") + 1


def test_a_type_that_its_providers_cannot_meet_anybody_for_is_told_once(tmp_path):
    """Ben is the only one who offers it, by phone alone."""
    text = changed(ADA, ADA.replace('types = ["visit"]', "types = []").replace('"in-person", ', ""))
    text = changed('contact_types = ["in-person", "phone"]\n\n[[p', 'contact_types = ["in-person"]\n\n[[p', text)

    told = [warning.what for warning in warnings(text, tmp_path)]

    assert any("nobody who offers it meets clients in one of these ways (in-person)" in what for what in told)
    assert len([what for what in told if "in none of the ways" in what]) == 0


def test_a_choice_that_only_others_could_give_is_told_where_it_stands(tmp_path):
    both = NEW_TYPE.replace('["phone"]', '["phone", "in-person"]')
    text = changed("[[providers]]", f"{both}[[providers]]")
    text = changed(
        'locations = ["main", "annex"]\ntypes = ["visit"]',
        'locations = ["main", "annex"]\ntypes = ["visit", "group"]',
        text,
    )

    (told,) = warnings(text, tmp_path)

    assert "nobody who offers it meets clients by 'in-person', so that choice is not shown" in told.what
    assert told.line == line_of(text, '["phone", "in-person"]')


def test_a_type_that_a_provider_cannot_be_met_for_is_told_at_the_provider(tmp_path):
    text = changed(
        "[[providers]]", f'{NEW_TYPE.replace("phone", "in-person")}providers = ["ada", "ben"]\n[[providers]]'
    )

    (told,) = warnings(text, tmp_path)

    assert "Ben Ito meets clients in none of the ways that fit 'group'" in told.what


def test_a_type_that_fits_into_none_of_a_provider_s_hours_is_told_there(tmp_path):
    text = changed("[[providers]]", NEW_TYPE.replace("90", "200") + "[[providers]]")
    text = text.replace('types = ["visit"]', 'types = ["visit", "group"]')

    (told,) = warnings(text, tmp_path)

    assert "no hours of Ben Ito are long enough for 'group' (200 minutes)" in told.what, "Ada has Monday afternoons"


def test_a_place_without_hours_is_told_where_it_is_listed(tmp_path):
    text = changed('locations = ["main"]', 'locations = ["main", "annex"]')
    text = changed("[[providers.hours]]", '[[providers.hours]]\n  location = "main"', text)

    (told,) = warnings(text, tmp_path)

    assert "Ada Moreau has no hours at 'annex' for 'in-person', so clients who choose that find no time" in told.what


def test_seats_that_no_request_holds_are_told(tmp_path):
    group = changed("minutes = 50", "minutes = 50\ncapacity = 8")
    assert warnings(group, tmp_path) == []

    (told,) = warnings(changed("[practice]", "[practice]\nrequests_hold_time = false", group), tmp_path)

    assert "more than 8 may ask and have to be declined" in told.what


def test_an_empty_practice_is_told_what_it_needs(tmp_path):
    text = SMALL[: SMALL.index("[[locations]]")]

    told = [warning.what for warning in warnings(text, tmp_path)]

    assert told == [
        f"nothing can be booked: there is no [[{kind}]]" for kind in ("providers", "appointment_types", "contact_types")
    ]


def test_dates_that_have_all_passed_are_told_once(tmp_path):
    text = changed("hours = []", "hours = []\n  [[providers.overrides]]\n  date = 2027-01-15\n  hours = []")
    assert warnings(text, tmp_path, date(2027, 1, 1)) == []

    told = warnings(text, tmp_path, date(2027, 1, 16))

    assert [(warning.line, warning.what[:31]) for warning in told] == [
        (line_of(text, "date = 2027-01-15") - 1, "every override lies in the past"),
        (line_of(text, "[[closures]]"), "every closure lies in the past;"),
    ]


def test_windows_that_touch_are_one(tmp_path):
    """Half an hour by itself is too short for a visit; after another half hour it is not."""
    text = changed('tuesday = ["9:00-12:00"]', 'tuesday = ["9:00-9:30", "9:30-10:00"]')
    assert warnings(text, tmp_path) == []

    apart = 'tuesday = ["9:00-9:30"]\n  [[providers.hours]]\n  tuesday = ["9:30-10:00"]'
    assert warnings(changed('tuesday = ["9:00-12:00"]', apart), tmp_path) == []


def test_a_public_holiday_closes_a_day_that_an_override_opens(tmp_path):
    text = changed("date = 2027-01-14\n  hours = []", 'date = 2027-07-05\n  hours = ["9:00-12:00"]') + HOLIDAYS

    (told,) = warnings(text, tmp_path)

    assert told.what == (
        "it has no effect, since nobody works on 2027-07-05: Independence Day; remove it, or open that day"
    )
    assert warnings(text.replace("2027-11-11", '"Independence Day"'), tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("minutes = 50", "minutes = 50\nhorizon_days = 0\nnotice_hours = 4"),
        ("minutes = 50", "minutes = 50\nhorizon_days = 2\nnotice_hours = 48"),
        ("minutes = 50", "minutes = 50\nincrement = 240"),
        ('tuesday = ["9:00-12:00"]', 'tuesday = ["0:00-6:00"]'),
        ('tuesday = ["9:00-12:00"]', 'tuesday = ["13:00-17:00", "9:00-12:00"]'),
        ("  tuesday =", "  valid_until = 2026-12-14\n  tuesday ="),
        ("  tuesday =", "  valid_from = 2027-12-14\n  tuesday ="),
        ("  tuesday =", "  valid_from = 9999-12-31\n  tuesday ="),
        ('name = "Ben Ito"', 'name = "Ben Ito"\nzone = "Asia/Tokyo"'),
        ('name = "Ada Moreau"', 'name = "Ada Moreau"\nzone = "US/Eastern"'),
        (
            'friday = ["9:00-12:00"]',
            f'friday = ["9:00-12:00"]\n{NEW_HOURS}  friday = ["10:00-11:00"]\n  contact_types = ["phone"]',
        ),
        (
            'friday = ["9:00-12:00"]',
            'friday = ["9:00-12:00"]\n  valid_until = 2027-01-31\n'
            f'{NEW_HOURS}  friday = ["10:00-11:00"]\n  valid_from = 2027-02-01',
        ),
    ],
)
def test_what_somebody_may_well_mean_is_left_alone(old, new, tmp_path):
    assert warnings(changed(old, new), tmp_path) == []


def test_a_large_file_is_read_through_in_a_moment(tmp_path):
    data = PRACTICE | {
        "providers": [PRACTICE["providers"][0] | {"key": f"ada-{n}", "name": f"Ada {n}"} for n in range(300)]
    }
    assert len(Written(from_dict(data), {}).warnings(TODAY)) == 1, "the annex alone"


def test_new_clients_for_whom_there_is_nothing_are_odd(tmp_path):
    text = SMALL + "\n[new_clients]\n"
    [told] = warnings(text, tmp_path)
    assert (told.line, told.what) == (
        line_of(text, "[new_clients]"),
        'new clients can ask for nothing: write who = "anyone" at a type that is for them, or remove this',
    )
    assert warnings(changed('name = "Therapy visit"', 'name = "Therapy visit"\nwho = "anyone"', text), tmp_path) == []
