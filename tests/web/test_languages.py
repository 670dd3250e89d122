"""Pages in the language of the host or else of the browser; dates, clocks and weeks as its country has them."""

import pytest
from flask.testing import FlaskClient
from flask_babel import Babel

from tests.support import STEP_2, Host
from tests.web.pages import Page, open_page

MONTH_AND_DAY = {
    "es": ("diciembre de 2026", "martes, 8 de diciembre de 2026"),
    "de": ("Dezember 2026", "Dienstag, 8. Dezember 2026"),
    "fr": ("décembre 2026", "mardi 8 décembre 2026"),
    "ar": ("ديسمبر 2026", "الثلاثاء، 8 ديسمبر 2026"),
}


def reading(browser: FlaskClient, accepts: str) -> Page:
    return open_page(browser, STEP_2, **{"Accept-Language": accepts})


def panel(page: Page) -> dict[str, str]:
    """The attributes of the element around the portal."""
    return next(tag for tag in page.named("div") if tag.get("class") == "portal")


def first_day(page: Page) -> str:
    return page.named("abbr")[0]["title"]


@pytest.mark.parametrize("language", MONTH_AND_DAY)
def test_the_month_and_its_days_are_in_the_readers_language(maya: FlaskClient, language: str) -> None:
    page = reading(maya, language)
    month, day = MONTH_AND_DAY[language]
    assert panel(page)["lang"].partition("-")[0] == language
    assert month in page.words
    assert day in page.words
    assert any(tag.get("aria-label", "").startswith(day) for tag in page.named("a"))


@pytest.mark.parametrize(
    ("language", "direction"), [("en", "ltr"), ("es", "ltr"), ("de", "ltr"), ("fr", "ltr"), ("ar", "rtl")]
)
def test_arabic_runs_from_right_to_left(maya: FlaskClient, language: str, direction: str) -> None:
    page = reading(maya, language)
    assert panel(page)["dir"] == direction
    assert page.named("html")[0]["dir"] == direction


@pytest.mark.parametrize(
    ("tag", "time", "sunday_first"),
    [
        ("en-US", "9:30 AM", True),
        ("en-GB", "09:30", False),
        ("es-US", "9:30 a.m.", True),
        ("es-ES", "9:30", False),
        ("de-DE", "09:30", False),
        ("fr-FR", "09:30", False),
        ("fr-CA", "09 h 30", True),
    ],
)
def test_clock_and_week_are_those_of_the_country(maya: FlaskClient, tag: str, time: str, sunday_first: bool) -> None:
    page = reading(maya, tag)
    assert f" {time} " in f"{page.words} "
    sundays = {"Sunday", "domingo", "Sonntag", "dimanche"}
    assert (first_day(page) in sundays) is sunday_first


@pytest.mark.parametrize(("tag", "first"), [("ar-EG", "السبت"), ("ar-MA", "الاثنين"), ("ar-SA", "الأحد")])
def test_a_week_begins_as_where_the_reader_is(maya: FlaskClient, tag: str, first: str) -> None:
    assert first_day(reading(maya, tag)) == first


def test_a_language_without_a_country_is_written_as_in_the_practices(maya: FlaskClient) -> None:
    assert panel(reading(maya, "es"))["lang"] == "es-US"


def test_the_instants_behind_the_words_are_the_same_in_every_language(maya: FlaskClient) -> None:
    assert len({tuple(reading(maya, language).times) for language in ("en", *MONTH_AND_DAY)}) == 1


def test_the_first_language_of_the_browser_that_is_offered_counts(maya: FlaskClient) -> None:
    assert panel(reading(maya, "tlh,fr;q=0.5,de;q=0.8"))["lang"] == "de"


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        "*",
        ";;;",
        "q=1",
        "en;q=x",
        "xx-YY-ZZ",
        "es-",
        "-",
        "es_",
        "es-XX-\x7f",
        "de-DE-1996-x-" + "y" * 3000,
        ",".join(["zz"] * 500),
        "ar-ئ",
    ],
)
def test_rubbish_for_a_language_fails_nothing(maya: FlaskClient, rubbish: str) -> None:
    answer = maya.get(STEP_2, environ_overrides={"HTTP_ACCEPT_LANGUAGE": rubbish.encode().decode("latin-1")})
    assert answer.status_code == 200
    assert panel(Page(answer.text))["lang"]


# A host that knows better.


@pytest.mark.parametrize("spoken", ["de", "es_MX", "ar"])
def test_a_host_with_flask_babel_decides(host: Host, spoken: str) -> None:
    Babel(host.app, locale_selector=lambda: spoken)
    page = reading(host.browser(), "fr")
    assert panel(page)["lang"].partition("-")[0] == spoken[:2]
    assert MONTH_AND_DAY[spoken[:2]][0] in page.words


def test_a_language_of_the_host_that_the_portal_does_not_speak_is_english(host: Host) -> None:
    Babel(host.app, locale_selector=lambda: "ja")
    assert panel(reading(host.browser(), "fr"))["lang"] == "en-US"


@pytest.mark.parametrize(
    ("told", "lang"), [("de-AT", "de-AT"), ("es_MX", "es-MX"), ("tlh", "en-US"), ("", "en-US"), (None, "en-US")]
)
def test_what_the_host_says_of_the_reader_comes_first(host: Host, told: str | None, lang: str) -> None:
    Babel(host.app, locale_selector=lambda: "ar")
    host.portal.current_language(lambda: told)
    assert panel(reading(host.browser(), "fr"))["lang"] == lang
