"""Applying a practice file changes what it says and loses no appointment."""

import threading
from copy import deepcopy
from datetime import timedelta

import pytest

from portal_plugin import NotOffered, PracticeFileError, SetupError, SlotTaken
from portal_plugin.practice_file import from_dict, load
from portal_plugin.services.practices import apply_practice, plan
from portal_plugin.storage.database import open_database
from tests.practice_file.test_reading import EXAMPLE
from tests.practices import PRACTICE, practice
from tests.services.steps import act, free_times, rows, together
from tests.support import MONDAY, TUESDAY_TEN, make_host
from tests.web.statements import statements

HOUR = timedelta(hours=1)


def apply(host, data):
    with host.app.app_context():
        return apply_practice(host.state.db, from_dict(data), MONDAY)


def without(kind, key):
    """The practice of the tests with one entry gone, and nobody who refers to it."""
    data = practice()
    data[kind] = [entry for entry in data[kind] if entry["key"] != key]
    refers = {"contact_types": "contact_types", "appointment_types": "types", "locations": "locations"}.get(kind)
    for entry in (*data["appointment_types"], *data["providers"]):
        if refers in entry:
            entry[refers] = [name for name in entry[refers] if name != key]
    data["appointment_types"] = [kind for kind in data["appointment_types"] if kind["contact_types"]]
    return data


def numbers(host):
    return {provider.key: provider.number for provider in act(host, "practice").providers.values()}


def test_applying_the_same_file_again_changes_nothing(either_host):
    revisions = rows(either_host, "SELECT count(*) FROM portal_practice")

    assert apply(either_host, PRACTICE) == []
    assert rows(either_host, "SELECT count(*) FROM portal_practice") == revisions


def test_the_example_is_the_same_after_a_round_through_the_database(either_host):
    with either_host.app.app_context():
        assert apply_practice(either_host.state.db, load(EXAMPLE), MONDAY)
        assert apply_practice(either_host.state.db, load(EXAMPLE), MONDAY) == []


def test_what_changes_is_told_a_line_each(either_host):
    data = practice(name="Elm Row")
    data["locations"][0]["name"] = "High Street"
    data["providers"][1]["key"] = "cleo"
    data["closures"] = [{"first": "2026-12-24"}]

    assert apply(either_host, data) == [
        "add provider 'cleo'",
        "change location 'main': name 'Main Street' -> 'High Street'",
        "retire provider 'ben'",
        "change the practice: name 'Elm Row Practice' -> 'Elm Row'",
        "add closure 2026-12-24",
    ]


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("providers", "ada"),
        ("locations", "main"),
        ("contact_types", "in-person"),
        ("appointment_types", "visit"),
    ],
)
def test_what_disappears_is_retired_and_its_appointments_stay_readable(either_host, kind, key):
    made = either_host.request()
    data = without(kind, key)
    if kind == "locations":
        data["providers"] = [ada | {"locations": ["annex"]} for ada in data["providers"]]

    apply(either_host, data)

    found = act(either_host, "appointment", made.ref)
    assert (found.provider.name, found.location.name) == ("Ada Moreau", "Main Street")
    assert (found.type.name, found.contact.name) == ("Therapy visit", "In person")
    assert [found] == act(either_host, "appointments", client="maya")
    with pytest.raises(NotOffered):
        either_host.request("theo", provider="ada")
    assert act(either_host, "confirm", made.ref).status == "confirmed"


def test_a_provider_who_comes_back_is_the_same(either_host):
    either_host.request()
    before = numbers(either_host)
    apply(either_host, without("providers", "ada"))
    apply(either_host, PRACTICE)

    assert numbers(either_host) == before
    with pytest.raises(SlotTaken):
        either_host.request("theo")


def test_a_number_is_never_given_to_another_provider(either_host):
    made = either_host.request()
    apply(either_host, without("providers", "ada"))
    newcomer = without("providers", "ada")
    newcomer["providers"].append(deepcopy(PRACTICE["providers"][0]) | {"key": "cleo", "name": "Cleo Diaz"})
    apply(either_host, newcomer)

    assert numbers(either_host) == {"ada": 1, "ben": 2, "cleo": 3}
    assert act(either_host, "appointment", made.ref).provider.key == "ada"
    assert either_host.request("theo", provider="cleo").provider.number == 3, "Ada's claim is not Cleo's"


def test_two_who_apply_at_once_give_no_number_twice(either_host, database_url):
    """The first has not committed when the second begins, and each file brings a provider of its own."""

    def with_newcomer(key):
        data = practice()
        data["providers"].append(deepcopy(PRACTICE["providers"][0]) | {"key": key, "name": key.title()})
        return from_dict(data)

    elsewhere = open_database(database_url)
    done = threading.Event()

    def second():
        apply_practice(elsewhere, with_newcomer("dora"), MONDAY)
        done.set()
        elsewhere.close()

    with either_host.app.app_context(), either_host.state.db.atomic():
        apply_practice(either_host.state.db, with_newcomer("cleo"), MONDAY)
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        done.wait(timeout=0.5)
    thread.join(timeout=30)
    elsewhere.close_all()

    assert done.is_set()
    given = numbers(either_host)
    assert given["cleo"] != given["dora"]


def test_the_order_of_the_file_is_the_order_of_the_choices(either_host):
    data = practice()
    data["providers"].reverse()
    data["appointment_types"].reverse()

    assert apply(either_host, data), "the order is something a practice says"
    assert list(act(either_host, "practice").providers) == ["ben", "ada"]
    assert either_host.request(contact="phone", location=None).provider.key == "ben"


def test_new_hours_hold_from_the_next_question_on(either_host):
    assert TUESDAY_TEN in free_times(either_host)
    data = practice()
    data["providers"][0]["overrides"] = [{"date": "2026-12-08", "hours": []}]

    apply(either_host, data)

    assert free_times(either_host) == []


def test_new_hours_hold_in_every_process(either_host, database_url, tmp_path, clock):
    other = make_host(database_url, tmp_path, clock)
    assert act(other, "practice").name == "Elm Row Practice"

    apply(either_host, practice(name="Elm Row"))

    assert act(other, "practice").name == "Elm Row"
    other.state.db.close_all()


def test_an_appointment_keeps_its_length_when_its_type_changes(either_host):
    made = either_host.request()
    data = practice()
    data["appointment_types"][0]["minutes"] = 90

    apply(either_host, data)

    assert act(either_host, "appointment", made.ref).ends == made.ends


def test_longer_buffers_never_make_confirmed_time_overlap(either_host):
    first = either_host.request()
    data = practice()
    data["appointment_types"][0]["buffer_before"] = 60
    apply(either_host, data)

    with pytest.raises(SlotTaken):
        either_host.request("theo", TUESDAY_TEN + HOUR)
    assert act(either_host, "confirm", first.ref).status == "confirmed"


def test_applying_one_file_many_times_at_once_is_one_revision(either_host):
    before = rows(either_host, "SELECT count(*) FROM portal_practice")[0][0]
    data = practice(name="Elm Row")

    answers = together(*[lambda: apply(either_host, data) for _ in range(4)])

    assert sum(bool(answer) for answer in answers) == 1
    assert rows(either_host, "SELECT count(*) FROM portal_practice") == [(before + 1,)]


def test_without_a_practice_the_sentence_says_what_to_run(sqlite_url, tmp_path, clock):
    empty = make_host(sqlite_url, tmp_path, clock)

    with pytest.raises(SetupError, match=r"run `flask portal apply practice\.toml`"):
        act(empty, "practice")
    empty.state.db.close_all()


# The public verb, and the host's own tables.


def test_a_practice_is_applied_from_python_and_the_changes_are_returned(either_host):
    assert act(either_host, "apply_practice", practice(name="Elm Row")) == [
        "change the practice: name 'Elm Row Practice' -> 'Elm Row'"
    ]
    assert act(either_host, "practice").name == "Elm Row"


def test_the_site_s_own_source_is_asked_when_nothing_is_given(sqlite_url, tmp_path, clock):
    host = make_host(sqlite_url, tmp_path, clock)

    @host.portal.practice_source
    def from_our_tables():
        return PRACTICE

    assert "set up the practice 'Elm Row Practice'" in act(host, "apply_practice")
    assert act(host, "apply_practice") == []
    host.state.db.close_all()


def test_without_a_source_the_sentence_says_how_to_register_one(either_host):
    with pytest.raises(SetupError, match=r"^No practice file is named, .* returns it with @portal\.practice_source\.$"):
        act(either_host, "apply_practice")


@pytest.mark.parametrize("nonsense", [None, [], "practice.toml", {"practice": 5}])
def test_a_source_that_returns_nonsense_is_told_so(either_host, nonsense):
    either_host.portal.practice_source(lambda: nonsense)

    with pytest.raises(PracticeFileError) as refused:
        act(either_host, "apply_practice")
    assert all(mistake.line is None and mistake.what for mistake in refused.value.mistakes)


def test_applying_from_python_before_init_says_to_run_it(tmp_path, clock):
    host = make_host(f"sqlite:///{tmp_path / 'none.db'}", tmp_path, clock)

    with pytest.raises(SetupError, match="flask portal init"):
        act(host, "apply_practice", PRACTICE)
    host.state.db.close_all()


def test_the_plan_asks_for_the_appointments_in_one_statement(either_host):
    """Whatever their number, and those of the past are not read."""
    for days in range(3):
        either_host.request(starts=TUESDAY_TEN + timedelta(days=days))
    with either_host.app.app_context(), statements() as seen:
        found = plan(either_host.state.db, from_dict(without("providers", "ada")), MONDAY + timedelta(days=2))

    assert [one.why for one in found.outside] == ["Ada Moreau is no longer listed"] * 2
    assert len([sql for sql in seen if "portal_appointment" in sql]) == 1
