"""Every message, as it is sent: looked at by a host before sending, and by these tests against what was approved.

    WRITE_SNAPSHOTS=1 make test ARGS="tests/delivery/test_preview.py"

writes the approved ones anew; the diff shows what changed.
"""

import os
import re
from pathlib import Path

import pytest

from portal_plugin import Preview, SetupError
from tests.practices import practice
from tests.support import Host

SNAPSHOTS = Path(__file__).parent / "snapshots"
TEMPLATES = Path(__file__).parents[2] / "templates" / "portal"


LANGUAGES = ("en", "es", "ar")
"""Whose messages are held against what was approved."""

ABROAD = {"confirmed", "confirmed-at-a-distance", "invited", "reminder-text", "staff-requested"}
"""Of other languages than English some are enough: the facts are the same."""


def shown(host: Host, language: str = "") -> dict[str, Preview]:
    with host.app.app_context():
        return {preview.name: preview for preview in host.portal.previews(language=language)}


def as_file(preview: Preview, kind: str) -> str:
    """The text with its subject where it has one, or the HTML without what the inliner repeats in each tag."""
    if kind == "txt":
        return f"Subject: {preview.subject}\n\n{preview.text}" if preview.html else preview.text
    html = re.sub(r' style="[^"]*"', "", preview.html)
    # The layout is the same around all of them: it stands once.
    return html if preview.name == "confirmed" else html.partition('<td class="inner">')[2].partition('class="last"')[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["txt", "html"])
def test_every_message_reads_as_it_was_approved(posting: Host, kind: str, language: str) -> None:
    posting.apply(practice(policies="Please tell us a day ahead if you cannot come."))
    english = language == "en"
    folder = SNAPSHOTS if english else SNAPSHOTS / language
    wanted = {name: one for name, one in shown(posting, language).items() if english or name in ABROAD}
    found = {f"{name}.{kind}": as_file(preview, kind) for name, preview in wanted.items()}
    found = {name: text for name, text in found.items() if text}
    if os.environ.get("WRITE_SNAPSHOTS"):
        folder.mkdir(exist_ok=True)
        for old in folder.glob(f"*.{kind}"):
            old.unlink()
        for name, text in found.items():
            (folder / name).write_text(text)
    assert found == {file.name: file.read_text() for file in folder.glob(f"*.{kind}")}


def test_a_language_that_the_site_does_not_speak_is_named(posting: Host) -> None:
    with pytest.raises(SetupError, match="'tlh' is none of the site's languages"):
        shown(posting, "tlh")


def test_every_template_is_shown(posting: Host) -> None:
    words = {file.stem for file in (TEMPLATES / "mail").glob("[a-z]*.txt")}
    mails = [name for name, preview in shown(posting).items() if preview.html]
    assert {name.split("-")[0] for name in mails} == words
    texts = {name.removeprefix("text-").removesuffix("-text") for name in shown(posting) if name not in mails}
    assert texts == {file.stem for file in (TEMPLATES / "sms").glob("*.txt")}


def test_a_template_of_the_host_s_own_is_shown(posting: Host, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "portal" / "mail"
    own.mkdir(parents=True)
    (own / "declined.txt").write_text("Subject: Sadly not\n\nDear {{ client.name }}")
    posting.app.jinja_loader.searchpath.insert(0, str(tmp_path / "templates"))  # type: ignore[union-attr]
    declined = shown(posting)["declined"]
    assert (declined.subject, declined.text) == ("Sadly not", "Dear Alex Sample\n")


def test_looking_sends_and_stores_nothing(posting: Host) -> None:
    shown(posting)
    assert posting.deliver() == []
    with posting.app.app_context():
        assert posting.portal.appointments() == []


def test_a_practice_that_offers_nothing_is_told_so(posting: Host) -> None:
    data = practice()
    for provider in data["providers"]:
        provider["types"] = []
    posting.apply(data)
    with pytest.raises(SetupError, match="offers no appointment type yet"):
        shown(posting)


def test_the_practice_s_colour_and_logo_are_in_every_mail(posting: Host) -> None:
    posting.apply(practice(color="#7a1f5c", logo="/static/logo.png"))
    for preview in filter(lambda one: one.html, shown(posting).values()):
        assert '<img src="https://www.elmrow.example/static/logo.png" alt="Elm Row Practice"' in preview.html
        assert "#7a1f5c" in preview.html
        assert "#0f5c6e" not in preview.html


def test_a_mail_program_that_reads_no_style_element_sees_the_same(posting: Host) -> None:
    html = shown(posting)["confirmed"].html
    inline, [style] = html.split("</style>")[-1], re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style.strip().startswith("@media (prefers-color-scheme: dark)")
    assert "background-color: #0f5c6e" in inline
    shown_parts = re.sub(r"<!--.*?-->", "", inline, flags=re.DOTALL)
    assert "<td" in shown_parts
    assert not re.findall(r"<td(?![^>]* style=)", shown_parts)
