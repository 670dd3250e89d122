"""The forms of the flow. They check form, not availability: whether a time is free only the claim knows."""

import re
import secrets
import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import phonenumbers
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, HiddenField, RadioField, StringField, TextAreaField
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.form import BaseForm
from wtforms.validators import Length, ValidationError

from ..domain.practice import Practice
from ..services.state import State
from ..services.tokens import form_token, form_token_is_good

STALE = "This page was open for too long, or the form came from elsewhere. Nothing was sent: please send it again."

_INSTANT = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOBILE = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


def said_once(values: MultiDict[str, str]) -> MultiDict[str, str]:
    """What was sent without what was sent twice: nobody can say which of the two was meant."""
    return MultiDict((name, said[0]) for name, said in values.lists() if len(said) == 1)


def new_key() -> str:
    return secrets.token_hex(8)


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def read_month(text: str) -> date | None:
    """The first day of a month written `2027-01`."""
    return read_day(f"{text}-01")


def read_instant(text: str) -> datetime | None:
    """An aware UTC datetime; None for anything that names no instant, such as a time without an offset."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _INSTANT.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


class _ClientToken(CSRF):
    """A token of our own, bound to the client: it works beside the host's protection, and without a session."""

    def setup_form(self, form: BaseForm) -> Any:
        self.state, self.client_id = form.meta.state, form.meta.client_id
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        return form_token(self.state, self.client_id)

    def validate_csrf_token(self, form: BaseForm, field: CSRFTokenField) -> None:
        if not form_token_is_good(self.state, field.data or "", self.client_id):
            raise ValidationError(STALE)


class ClientForm(Form):
    """A form that only its own client can send."""

    class Meta:
        csrf = True
        csrf_class = _ClientToken
        csrf_field_name = "portal_token"

    def __init__(self, formdata: Any, state: State, client_id: str, **values: Any) -> None:
        super().__init__(formdata, meta={"state": state, "client_id": client_id}, **values)

    @property
    def stale(self) -> bool:
        return bool(self["portal_token"].errors)

    @property
    def sentences(self) -> dict[str, str]:
        """The first thing wrong with each field."""
        return {field.short_name: str(field.errors[0]) for field in self if field.errors}


def _printable(form: Form, field: StringField) -> None:
    for char in field.data or "":
        if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\r\n\t":
            raise ValidationError("This text has a character that cannot be stored. Please type it again.")


class CancelForm(ClientForm):
    reason = TextAreaField(
        "Reason (optional)", [Length(max=500, message="Please keep it under 500 characters."), _printable]
    )


class AcceptForm(ClientForm):
    pass


class TimeForm(ClientForm):
    """Step 2. What was chosen in step 1 travels along; `key` makes a form sent twice one request.

    Once valid, `instant` is the chosen start (aware UTC) and `e164` the reminders' number.
    """

    instant: datetime | None = None
    e164 = ""

    type = HiddenField()
    contact = HiddenField()
    provider = HiddenField()
    location = HiddenField()
    key = HiddenField(default=new_key)
    starts = RadioField("Time", choices=(), validate_choice=False)
    text_reminders = BooleanField("Yes, send me text reminders", false_values=("", "0", "false", "off"))
    phone = StringField("Mobile number for text reminders")
    note = TextAreaField(
        "Anything the practice should know? (optional)",
        [Length(max=1000, message="Please keep it under 1,000 characters."), _printable],
    )

    def validate_starts(self, field: RadioField) -> None:
        if not field.data:
            raise ValidationError("Choose a time.")
        self.instant = read_instant(field.data)
        if self.instant is None:
            raise ValidationError("That is not a time the practice offers. Choose one from the list.")

    def validate_phone(self, field: StringField) -> None:
        if not self.text_reminders.data:
            return
        typed = unicodedata.normalize("NFKC", field.data or "").strip()
        if not typed:
            raise ValidationError("Enter the mobile number the reminders should go to, or untick text reminders.")
        practice: Practice = self.meta.state.practice()
        try:
            number = phonenumbers.parse(typed[:40], practice.country)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            raise ValidationError("That is not a complete phone number. Enter it with its area code.")
        if phonenumbers.number_type(number) not in _MOBILE:
            raise ValidationError("Text messages cannot reach that number. Enter a mobile number.")
        self.e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
