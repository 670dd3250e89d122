"""Settings, database, limits and practice."""

from urllib.parse import urlsplit

from flask import Flask

from ..domain.instants import local_date, seconds
from ..practice_file import Written
from ..services import practices
from ..services.state import State
from ..storage import health
from ..storage.database import check_ready
from .findings import LOOPBACK, Finding, Findings, Level


def settings(app: Flask, state: State) -> Findings:
    """Settings"""
    length = len(state.settings.secret_keys[-1])
    if length < 32:
        level = Level.FAILING if length < 16 else Level.WARNING
        yield Finding(
            level,
            f"SECRET_KEY has {length} characters, and can be guessed: set it to what "
            '`python -c "import secrets; print(secrets.token_hex())"` prints',
        )
    else:
        yield Finding(Level.OK, "SECRET_KEY is long enough")
    parts = urlsplit(state.settings.base_url)
    address = f"PORTAL_BASE_URL is {parts.scheme}://{parts.hostname}"
    if parts.scheme == "https":
        yield Finding(Level.OK, address)
    else:
        local = parts.hostname in LOOPBACK
        yield Finding(
            Level.WARNING if local else Level.FAILING,
            f"{address}: links in mails lead to an unencrypted page"
            f"{' of this machine' if local else ''}; set it to the https address that clients use",
        )


def database(app: Flask, state: State) -> Findings:
    """The database"""
    check_ready(state.db)
    found = health.examine(state.db)
    name = f"the database is {found.engine} {found.version}"
    if not found.supported:
        yield Finding(Level.FAILING, f"{name}: version 12 or newer is needed")
    elif found.journal and found.journal != "wal":
        yield Finding(
            Level.WARNING,
            f"{name} with journal mode {found.journal}, in which readers wait for writers: run `flask portal init`, "
            "and keep the file on a local disk",
        )
    else:
        yield Finding(Level.OK, f"{name}{', journal mode wal' if found.journal else ''}; its tables are up to date")
    if found.guarded:
        yield Finding(Level.OK, "the database itself refuses appointments that overlap")
    else:
        yield Finding(
            Level.FAILING,
            "the guard that keeps appointments of one provider apart is missing from portal_claim: restore the tables "
            "from a complete backup, or into a database that `flask portal init` made",
        )


def limits(app: Flask, state: State) -> Findings:
    """The limits"""
    if not state.settings.limits_storage:
        return
    if state.windows.storage.check():
        yield Finding(Level.OK, "Redis answers, and counts how often somebody sends something")
    else:
        yield Finding(
            Level.WARNING,
            "Redis does not answer, so nobody is limited: start it, put its address into PORTAL_LIMITS_STORAGE, or "
            "leave that out to count in the portal's database",
        )


def practice(app: Flask, state: State) -> Findings:
    """The practice"""
    check_ready(state.db)
    practice = state.practice()
    yield Finding(Level.OK, f"the practice is {practice.name}")
    document = practices.current_document(state.db)
    if document:
        today = local_date(seconds(state.now()), practice.zone)
        for warning in Written(document.file, {}).warnings(today):
            yield Finding(Level.WARNING, f"practice file, {warning}")
