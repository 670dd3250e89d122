"""The forms of the flow. They check form, not availability: whether a time is free only the claim knows."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, TextAreaField
from wtforms.validators import ValidationError

from ..domain.instants import WEEKDAYS, zone_names
from ..domain.practice import Practice
from ..domain.said import said
from ..domain.waitlist import PartOfDay, Preferences
from ..services.phones import is_in_use, textable
from ..services.state import State
from ..services.tokens import form_token, form_token_is_good
from ..wording import say, tell
from ..wording.dates import long_date, part_name, weekday_name

STALE = said(
    "This page was open for too long, or the form came from elsewhere. Nothing was sent: please send it again."
)

_INSTANT = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Control characters but for tab and line breaks, and halves of a surrogate pair.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def said_once(values: MultiDict[str, str]) -> dict[str, str]:
    """What was sent without what was sent twice: nobody can say which of the two was meant."""
    return {name: said[0] for name, said in values.lists() if len(said) == 1}


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def read_month(text: str) -> date | None:
    """The first day of a month written `2027-01`."""
    return read_day(f"{text}-01")


def read_zone(text: str) -> str:
    """The name of a time zone; empty for anything else."""
    return text if text in zone_names() else ""


def read_instant(text: str) -> datetime | None:
    """An aware UTC datetime; None for anything that names no instant, such as a time without an offset."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _INSTANT.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def read_mobile(text: str, country: str) -> str:
    """A number that text messages reach, in E.164. Raises ValueError with a sentence for who typed it."""
    if not text.strip():
        raise ValueError(say("Enter the mobile number the reminders should go to, or untick text reminders."))
    if not is_in_use(text, country):
        raise ValueError(say("That is not a complete phone number. Enter it with its area code."))
    if not (mobile := textable(text, country)):
        raise ValueError(say("Text messages cannot reach that number. Enter a mobile number."))
    return mobile


def printable(form: Form, field: Field) -> None:
    if UNPRINTABLE.search(field.data or ""):
        raise ValidationError(say("This text has a character that cannot be stored. Please type it again."))


def at_most(most: int) -> Callable[[Form, Field], None]:
    """A text of so many characters. WTForms' own check cannot say it in another language."""

    def check(form: Form, field: Field) -> None:
        if len(field.data or "") > most:
            raise ValidationError(say("Please keep it under {number} characters.", number=most))

    return check


class ClientForm:
    """What a client typed, and the first thing wrong with it, each by field.

    Only they can send it: its token is bound to them. It is our own, so it works beside the host's protection and
    without a session. `Checked` has the `texts` that people may type; what travels along hidden needs no form.
    """

    Checked: type[Form] = Form
    fields: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def __init__(self, state: State, client_id: str, sent: Mapping[str, str]) -> None:
        self.state, self.client_id = state, client_id
        self._sent_token = sent.get("portal_token", "")
        self.typed = {name: sent.get(name, "") for name in self.fields}
        self.errors: dict[str, str] = {}

    @property
    def token(self) -> str:
        """What the form must carry when it is sent again."""
        return form_token(self.state, self.client_id)

    @property
    def stale(self) -> bool:
        return "portal_token" in self.errors

    @property
    def status(self) -> int:
        """What the page is answered with that has this form again, mistakes and all."""
        return 429 if "portal_wait" in self.errors else 400 if self.stale else 422

    @property
    def mistake(self) -> str:
        """The first, for a page that has a button and no fields."""
        return next(iter(self.errors.values()), "")

    def validate(self) -> bool:
        """Whether nothing is wrong; else `errors` says what is, in the order of the page."""
        self.errors = {}
        if any(self.typed[name] for name in self.texts):
            checked = self.Checked(MultiDict(self.typed))
            checked.validate()
            self.errors = {field.short_name: str(field.errors[0]) for field in checked if field.errors}
        if not form_token_is_good(self.state, self._sent_token, self.client_id):
            self.errors["portal_token"] = tell(STALE)
        return not self.errors


class CancelForm(ClientForm):
    fields = texts = ("reason",)

    class Checked(Form):
        reason = TextAreaField(validators=[at_most(500), printable])


class TextsForm(ClientForm):
    """A form with the box for text reminders. Once valid, `e164` is where they go, if they are wanted."""

    e164 = ""

    def __init__(self, state: State, client_id: str, sent: Mapping[str, str], country: str) -> None:
        super().__init__(state, client_id, sent)
        self._country = country

    @property
    def consent(self) -> str:
        """What a client who wants them says."""
        return say("Yes, send me text reminders")

    @property
    def wants_texts(self) -> bool:
        return self.typed["text_reminders"] not in {"", "0", "false", "off"}

    def agreement(self, practice: Practice) -> str:
        """What a client read who ticked the box, word for word."""
        return f"{self.consent}. {tell(practice.programme)}"

    def validate(self) -> bool:
        wrong = dict(self._wrong_choices())
        super().validate()
        self.errors = wrong | self.errors
        return not self.errors

    def _wrong_choices(self) -> Iterator[tuple[str, str]]:
        if self.wants_texts:
            try:
                self.e164 = read_mobile(self.typed["phone"], self._country)
            except ValueError as error:
                yield "phone", str(error)


class ReminderForm(TextsForm):
    """The page Reminders, where nothing but the box is asked."""

    fields = ("text_reminders", "phone")

    def _wrong_choices(self) -> Iterator[tuple[str, str]]:
        if not self.wants_texts:
            yield "text_reminders", say("Tick the box if you want text reminders.")
        yield from super()._wrong_choices()


class TimeForm(TextsForm):
    """Step 2. What was chosen in step 1 travels along; `key` makes a form sent twice one request.

    Once valid, `instant` is the chosen start (aware UTC).
    """

    fields = ("type", "contact", "provider", "location", "key", "starts", "text_reminders", "phone", "note")
    texts = ("note",)
    instant: datetime | None = None

    class Checked(Form):
        note = TextAreaField(validators=[at_most(1000), printable])

    def __init__(self, state: State, client_id: str, sent: Mapping[str, str], country: str) -> None:
        super().__init__(state, client_id, sent, country)
        if "key" not in sent:
            self.renew()

    def renew(self) -> None:
        """Make it another form: sent, it is another request."""
        self.typed["key"] = secrets.token_hex(8)

    def _wrong_choices(self) -> Iterator[tuple[str, str]]:
        self.instant = read_instant(self.typed["starts"])
        if not self.typed["starts"]:
            yield "starts", say("Choose a time.")
        elif self.instant is None:
            yield "starts", say("That is not a time the practice offers. Choose one from the list.")
        yield from super()._wrong_choices()


class WaitForm(ClientForm):
    """A place on the waitlist: which days and times suit. No weekday or part of day ticked: each does.

    Times are offered from the first through the last day. Once valid, `preferences` is what was wished for.
    """

    fields = ("type", "contact", "provider", "location", "zone", "earliest", "latest", *WEEKDAYS, *PartOfDay)
    preferences: Preferences | None = None

    def __init__(self, state: State, client_id: str, sent: Mapping[str, str], first_day: date, last_day: date) -> None:
        days = {"earliest": f"{first_day}", "latest": f"{last_day}"}
        super().__init__(state, client_id, {**days, **sent})
        self._first, self._last = first_day, last_day

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """Field and words of each box."""
        return [(name, weekday_name(n)) for n, name in enumerate(WEEKDAYS)]

    @property
    def parts(self) -> list[tuple[str, str]]:
        return [(part.value, part_name(part)) for part in PartOfDay]

    def validate(self) -> bool:
        super().validate()
        self.errors = dict(self._wrong_days()) | self.errors
        return not self.errors

    def _wrong_days(self) -> Iterator[tuple[str, str]]:
        earliest, latest = read_day(self.typed["earliest"]), read_day(self.typed["latest"])
        weekdays = frozenset(n for n, name in enumerate(WEEKDAYS) if self.typed[name])
        if earliest is None or earliest > self._last:
            yield (
                "earliest",
                say("Choose the first day that suits you, {date} at the latest.", date=long_date(self._last)),
            )
        if latest is None or latest < self._first:
            yield "latest", say("Choose the last day that suits you, {date} or later.", date=long_date(self._first))
        if earliest is None or latest is None:
            return
        if latest < earliest:
            yield "latest", say("The last day comes before the first one. Choose a later one.")
            return
        earliest, latest = max(earliest, self._first), min(latest, self._last)
        span = range((latest - earliest).days + 1)
        if weekdays and not any((earliest + timedelta(days=n)).weekday() in weekdays for n in span):
            yield "weekdays", say("None of these days of the week lies between the two dates. Choose another one.")
        parts = frozenset(part for part in PartOfDay if self.typed[part])
        self.preferences = Preferences(earliest, latest, weekdays, parts)
