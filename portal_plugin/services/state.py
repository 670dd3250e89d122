"""What belongs to one app: its database, settings, practice and the host's answers."""

from datetime import UTC, datetime
from typing import Any

from ..config import Settings
from ..domain.errors import SetupError
from ..domain.practice import Practice
from ..hooks import Questions
from ..storage import practice as documents
from ..storage.database import check_ready, open_database
from .practices import read_document


class State:
    """`sender` is the app, under which signals are sent; `retention_due` when a worker looks for whom to forget."""

    def __init__(self, sender: Any, settings: Settings, questions: Questions) -> None:
        self.sender = sender
        self.settings = settings
        self.questions = questions
        self.db = open_database(settings.database_url)
        self.retention_due = datetime.min.replace(tzinfo=UTC)
        self._practice: tuple[int, Practice] | None = None
        self._ready = False

    def now(self) -> datetime:
        """Aware UTC. Raises SetupError when the host's clock returns a naive time."""
        now = self.settings.clock()
        if now.tzinfo is None:
            raise SetupError("PORTAL_CLOCK must return an aware datetime, such as datetime.now(UTC).")
        return now.astimezone(UTC)

    def practice(self) -> Practice:
        """As last applied, by whichever process. Raises SetupError when none was."""
        revision = documents.latest_revision(self.db)
        if revision is None:
            raise SetupError("No practice file was applied yet: run `flask portal apply practice.toml`.")
        if self._practice is None or self._practice[0] != revision:
            self._practice = revision, read_document(documents.document(self.db, revision)).practice()
        return self._practice[1]

    def check(self) -> None:
        """Raises SetupError, with one sentence that says what to do, until everything is in place."""
        if not self._ready:
            check_ready(self.db)
            self.practice()
            self._ready = True
