"""The forms of a page, with all that can be chosen and typed in them, filled in as somebody might."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = {"text", "email", "tel", "search", "date", "time", "number", "password", "url"}
PLAUSIBLE = {
    "name": "Nina Okeke",
    "email": "nina@example.org",
    "phone": "+1 212 555 0187",
    "id": "nina",
    "date": "2026-12-10",
    "time": "10:00",
    "weeks": "1",
    "q-born": "1990-05-17",
    "find": "maya",
}
"""What is typed into an empty field of this name; into any other, a word."""


@dataclass
class Control:
    """`kind` is an input's type, `textarea`, `select` or `button`; `values` are those to choose from."""

    name: str
    kind: str
    values: list[str] = field(default_factory=list)
    chosen: str | None = None

    @property
    def is_typed(self) -> bool:
        return self.kind in TYPED | {"textarea"}

    @property
    def filled(self) -> str | None:
        """What would be sent of it; None for a box or a button that is left alone."""
        if self.is_typed:
            return self.values[0] or PLAUSIBLE.get(self.name, "a word")
        if self.kind in {"radio", "select", "hidden"}:
            return self.chosen if self.chosen is not None else self.values[0]
        return self.chosen


@dataclass
class PageForm:
    """`controls` in the order of the page, by name."""

    id: str
    method: str
    action: str
    controls: dict[str, Control] = field(default_factory=dict)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Filled in and sent by its first button."""
        sent = [(name, one.filled) for name, one in self.controls.items() if one.filled is not None]
        button = next((one for one in self.controls.values() if one.kind == "button"), None)
        if button and button.chosen is None:
            sent.append((button.name, button.values[0]))
        return sent

    @property
    def shape(self) -> tuple[str, ...]:
        """What tells it from other forms: its fields, and what its buttons do."""
        return tuple(
            f"{one.name}={','.join(one.values)}" if one.kind == "button" else one.name for one in self.controls.values()
        )


class FormReader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.links: list[str] = []
        self._open: PageForm | None = None
        self._elsewhere: list[tuple[str, Control]] = []
        self._text: Control | None = None
        self._select: Control | None = None
        self.feed(html)
        for owner, control in self._elsewhere:
            for form in self.forms:
                if form.id == owner:
                    self._put(form, control)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in own:
            self.links.append(own["href"])
        elif tag == "form":
            self._open = PageForm(own.get("id", ""), own.get("method", "get").lower(), own.get("action", ""))
            self.forms.append(self._open)
        elif tag == "option" and self._select:
            self._select.values.append(own.get("value", ""))
            if "selected" in own:
                self._select.chosen = own.get("value", "")
        if tag not in {"input", "textarea", "select", "button"} or not own.get("name"):
            return
        kind = own.get("type", "text") if tag == "input" else tag
        control = Control(
            own["name"], kind, [] if tag == "select" else [own.get("value", "on" if kind == "checkbox" else "")]
        )
        if kind == "hidden" or "checked" in own:
            control.chosen = control.values[0]
        if "form" in own:
            self._elsewhere.append((own["form"], control))
        elif self._open:
            control = self._put(self._open, control)
        self._text = control if tag == "textarea" else self._text
        self._select = control if tag == "select" else self._select

    def _put(self, form: PageForm, control: Control) -> Control:
        known = form.controls.setdefault(control.name, control)
        if known is not control:
            known.values += control.values
            known.chosen = control.chosen if control.chosen is not None else known.chosen
        return known

    def handle_data(self, data: str) -> None:
        if self._text:
            self._text.values[0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text:
            # A browser drops the first line break of a text area.
            self._text.values[0] = self._text.values[0].removeprefix("\n")
            self._text = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._open = None
