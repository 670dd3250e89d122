"""Every text is short, says nothing that is nobody's business, and asks for no word that would do something else."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal_plugin import Portal
from portal_plugin.delivery.sms import LONGEST_NAME, compose, shortened
from portal_plugin.storage.outbox import Message
from portal_plugin.wording import shipped

TEMPLATES = sorted((Path(__file__).parents[2] / "templates" / "portal" / "sms").glob("*.txt"))
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = set("^{}\\[~]|€")
# Words that end or begin something when they are texted back, but for the one that has to be told; and what is private.
FORBIDDEN = re.compile(
    r"\b(cancel|yes|quit|revoke|opt.?out|unsubscribe|stopall|start|unstop|confirm|click|therapy|https?|www)\b",
    re.IGNORECASE,
)
MOST = {"reminder": 2}
"""Segments in any alphabet. An answer that the rules want to say more, three."""

ORDINARY = [
    "Elm Row Practice",
    "Praxis Dr. Müller & Größe",
    "Harbor Street Counseling",
    "Κλινική Αθηνών",
    "عيادة الشفاء",
    "心理相談室",
]
PHONES = ["+1 212 555 0100", "(207) 555-0100", "+44 20 7946 0958", "+49 30 901820"]
ZONES = ["America/New_York", "Europe/London", "Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe"]
INSTANTS = [datetime(2027, 1, 5, 15, 0, tzinfo=UTC) + timedelta(days=37 * n, minutes=95 * n) for n in range(12)]


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("host")
    app.config.update(SECRET_KEY="x" * 32, PORTAL_BASE_URL="https://www.elmrow.example", PORTAL_SIGN_IN="sign_in")
    Portal(app)
    return app


def written(topic: str, name: str, phone: str, starts: datetime, zone: str, language: str = "en") -> str:
    facts: dict[str, Any] = {
        "starts": starts.isoformat(),
        "zone": zone,
        "until": starts.isoformat(),
        "language": language,
        "practice": {"name": name, "phone": phone, "country": "US"},
        # What a text must not say, should its facts ever hold it.
        "type": {"name": "PLANTED therapy"},
        "provider": {"name": "PLANTED", "title": "PLANTED Psychiatrist"},
        "note": "PLANTED",
        "client": {"name": "PLANTED"},
    }
    return compose(
        current_app.extensions["portal"], Message(1, 1, "sms", topic, "+12125550187", "0" * 32, facts, 1, "0")
    )


def segments(text: str) -> int:
    """How many messages a text is billed and sent as (3GPP TS 23.038)."""
    if set(text) <= GSM | GSM_TWICE:
        length = len(text) + sum(char in GSM_TWICE for char in text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= 70 else -(-length // 67)


def lint(text: str) -> None:
    assert text
    assert text == text.strip()
    assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}], repr(text)
    assert "PLANTED" not in text
    assert not re.search(r"[{}<>]|None", text)


@pytest.mark.parametrize("language", shipped())
@pytest.mark.parametrize("topic", [path.stem for path in TEMPLATES])
def test_a_text_of_an_ordinary_practice_is_short_and_plain(app, topic, language):
    with app.test_request_context():
        for name in ORDINARY:
            for phone in PHONES:
                for zone in ZONES if language == "en" else ZONES[:1]:
                    for starts in INSTANTS:
                        text = written(topic, name, phone, starts, zone, language)
                        lint(text)
                        assert segments(text) <= MOST.get(topic, 3), text
                        if set(name) <= GSM and language == "en":
                            assert segments(text) == 1, text
                        assert not FORBIDDEN.search(text.replace(name, "")), text
                        assert name in text
                        assert phone in text or topic != "reminder"
                        assert re.search(r"\bSTOP\b", text) or topic == "stopped"


@pytest.mark.parametrize("topic", [path.stem for path in TEMPLATES])
@given(
    name=st.text(min_size=1, max_size=120),
    phone=st.sampled_from(PHONES),
    starts=st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_stays_short_whatever_a_practice_is_called(app, topic, name, phone, starts, zone):
    with app.test_request_context():
        text = written(topic, name, phone, starts, zone)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert "PLANTED" not in text
    # Counted by characters, which emoji take two of.
    if len(name.encode("utf-16-le")) == 2 * len(name):
        assert segments(text) <= MOST.get(topic, 3), text


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Elm Row Practice", "Elm Row Practice"),
        ("The Harbor Street Counseling and Wellness Center", "The Harbor Street..."),
        ("Gemeinschaftspraxis für Psychotherapie", "Gemeinschaftspraxis für..."),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesel..."),
        ("Smith, Jones, Miller & Partners, LLC", "Smith, Jones, Miller..."),
    ],
)
def test_a_long_name_is_cut_after_a_word(name, short):
    assert shortened(name) == short
    assert len(short) <= LONGEST_NAME


def test_every_template_lists_its_variables():
    for path in TEMPLATES:
        assert path.read_text().startswith("{#- "), path.name
        assert "Variables: " in path.read_text().split("-#}")[0], path.name
