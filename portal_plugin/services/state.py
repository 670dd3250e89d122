"""What belongs to one app: its database, settings, practice and the host's answers."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ..config import Settings
from ..domain.errors import SetupError
from ..domain.practice import Practice
from ..hooks import Questions
from ..storage import practice as documents
from ..storage import webhooks as stored_webhooks
from ..storage.database import check_ready, open_database
from ..storage.limits import open_windows
from ..storage.waitlist import Sign
from .asking import Carry, Host
from .practices import read_document
from .webhooks import Endpoints, known


class State:
    """`sender` is the app, under which signals are sent; `retention_due` when a worker looks for whom to forget, and
    `waitlist_looked` what a worker found when it last looked for times that came free, and when.

    `windows` is where limits are counted, `rate_key` hides who was counted there, and `used_up` has the second from
    which on somebody who has to wait may go on.

    `carry` is what lets the host be asked in another thread.
    """

    def __init__(self, sender: Any, settings: Settings, questions: Questions, carry: Carry) -> None:
        self.sender = sender
        self.settings = settings
        self.questions = questions
        self.host = Host(questions, settings.host_deadline, carry)
        self.db = open_database(settings.database_url)
        self.retention_due = datetime.min.replace(tzinfo=UTC)
        self.waitlist_looked: tuple[Sign, datetime] | None = None
        self.windows = open_windows(settings.limits_storage, self.db, self.now)
        self.rate_key = sha256(settings.secret_keys[-1].encode()).digest()
        self.used_up: dict[str, int] = {}
        self._practice: tuple[int, Practice] | None = None
        self._webhooks: tuple[int, Endpoints] | None = None
        self._ready = False

    def now(self) -> datetime:
        """Aware UTC. Raises SetupError when the host's clock returns a naive time."""
        now = self.settings.clock()
        if now.tzinfo is None:
            raise SetupError("PORTAL_CLOCK must return an aware datetime, such as datetime.now(UTC).")
        return now.astimezone(UTC)

    def practice(self) -> Practice:
        """As last applied, by whichever process. Raises SetupError when none was."""
        revision = self._look()
        if revision is None:
            raise SetupError("No practice file was applied yet: run `flask portal apply practice.toml`.")
        if self._practice is None or self._practice[0] != revision:
            self._practice = revision, read_document(documents.document(self.db, revision)).practice()
        return self._practice[1]

    def webhooks(self) -> Endpoints:
        """The endpoints by key as they are now, whichever process added them."""
        self._look()
        return self.known_webhooks

    @property
    def known_webhooks(self) -> Endpoints:
        """The same as of the last look at them or at the practice, and without a statement."""
        return self._webhooks[1] if self._webhooks else {}

    def _look(self) -> int | None:
        """Notice what another process changed; the practice's revision."""
        practice, webhooks = documents.latest_revisions(self.db)
        if self._webhooks is None or self._webhooks[0] != webhooks:
            revision, document = stored_webhooks.document(self.db)
            self._webhooks = revision, known(self.settings, document)
        return practice

    def check(self, *, anew: bool = False) -> None:
        """Raises SetupError, with one sentence that says what to do, until everything is in place. Once it is, it is
        looked at again only with `anew`; tables of a later release are then the beginning of an upgrade.
        """
        if anew or not self._ready:
            check_ready(self.db, later=self._ready)
            self.practice()
            self._ready = True
