"""What a visitor says of themselves, checked field by field."""

import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from wtforms import Form, TextAreaField

from ..domain.addresses import read_mail_address
from ..domain.guests import Guest, IntakeAnswer, Introduction, Question, QuestionKind
from ..domain.practice import Practice
from ..domain.text import clean_line, clean_text
from ..services.phones import e164, is_in_use
from ..services.state import State
from ..wording import current, say
from .forms import UNPRINTABLE, TextsForm, at_most, printable, read_day, read_instant, read_mobile, read_zone

LONGEST_NAME = 120
LONGEST_ANSWER = 1000
_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)

_FORM = re.compile("[0-9a-f]{32}")
# What evens out to one space in a name; a line break is none of it.
_SPACES = re.compile(r"[ \t\u00a0\u2007\u202f\u3000]+")


class GuestForm(TextsForm):
    """The page About you. What was chosen before travels along; `key` is the form's own random id, and the token is
    bound to it, since nobody is signed in.

    Once valid, `instant` is the chosen start (aware UTC), and `introduction` what was said.
    """

    fields: tuple[str, ...] = (
        "type",
        "contact",
        "provider",
        "location",
        "zone",
        "key",
        "starts",
        "name",
        "email",
        "phone",
        "text_reminders",
        "note",
    )
    texts = ("note",)
    instant: datetime | None = None

    class Checked(Form):
        note = TextAreaField(validators=[at_most(1000), printable])

    def __init__(self, state: State, sent: Mapping[str, str], practice: Practice) -> None:
        self.questions = practice.new_clients.questions if practice.new_clients else ()
        self.fields = (*GuestForm.fields, *(field_of(question) for question in self.questions))
        key = sent.get("key", "")
        super().__init__(state, "", sent, practice.country)
        self._practice = practice
        self._name = self._email = self._phone = ""
        self._answers: list[IntakeAnswer] = []
        self._be(key if _FORM.fullmatch(key) else secrets.token_hex(16))

    def _be(self, key: str) -> None:
        self.typed["key"], self.client_id = key, f"guest form {key}"

    def renew(self) -> None:
        """Make it another form: sent, it is another request."""
        self._be(secrets.token_hex(16))

    @property
    def introduction(self) -> Introduction:
        return Introduction(
            Guest(self._name, self._email, self._phone, current().tag, read_zone(self.typed["zone"])),
            clean_text(self.typed["note"]),
            self.agreement(self._practice) if self.wants_texts else "",
            tuple(self._answers),
        )

    def _wrong_choices(self) -> Iterator[tuple[str, str]]:
        """In the order of the page."""
        self.instant = read_instant(self.typed["starts"])
        if self.instant is None:
            yield "starts", say("Choose a time.")
        try:
            self._name = read_name(self.typed["name"])
        except ValueError as error:
            yield "name", str(error)
        self._email = read_mail_address(self.typed["email"])
        if not self._email:
            yield "email", say("Enter your e-mail address, such as name@example.org.")
        try:
            self._phone = self._read_phone(self.typed["phone"])
        except ValueError as error:
            yield "phone", str(error)
        self._answers = []
        for question in self.questions:
            try:
                answer = read_answer(question, self.typed[field_of(question)])
            except ValueError as error:
                yield field_of(question), str(error)
                continue
            if answer:
                self._answers.append(IntakeAnswer(question.key, question.label, question.kind, answer))

    def _read_phone(self, text: str) -> str:
        if self.wants_texts:
            return read_mobile(text, self._country)
        if not text.strip():
            return ""
        if not is_in_use(text, self._country):
            raise ValueError(say("That is not a complete phone number. Enter it with its area code, or leave it out."))
        return e164(text, self._country)


def field_of(question: Question) -> str:
    return f"q-{question.key}"


def read_name(text: str) -> str:
    """Raises ValueError with a sentence for who typed it."""
    name = _SPACES.sub(" ", text).strip(" ")
    if not clean_line(name):
        raise ValueError(say("Enter your name."))
    if len(name) > LONGEST_NAME:
        raise ValueError(say("Please keep your name under {number} characters.", number=LONGEST_NAME))
    if clean_line(name) != name:
        raise ValueError(say("Your name has a character that cannot be stored. Please type it again."))
    return name


def read_answer(question: Question, text: str) -> str:
    """The answer as it is stored; empty for none. Raises ValueError with a sentence for who typed it."""
    text = text.strip()
    if not text:
        if question.required:
            raise ValueError(say("Please answer: {question}", question=question.label))
        return ""
    match question.kind:
        case QuestionKind.TEXT:
            if len(text) > LONGEST_ANSWER:
                raise ValueError(say("Please keep your answer under {number} characters.", number=LONGEST_ANSWER))
            if UNPRINTABLE.search(text):
                raise ValueError(say("Your answer has a character that cannot be stored. Please type it again."))
            return clean_text(text)
        case QuestionKind.DATE:
            day = read_day(text)
            if day is None or not _EARLIEST <= day <= _LATEST:
                raise ValueError(say("Enter a date such as 2027-01-31."))
            return day.isoformat()
    if text not in question.answers:
        raise ValueError(say("Choose one of the answers to: {question}", question=question.label))
    return text
