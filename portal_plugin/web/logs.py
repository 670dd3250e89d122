"""Which request a line in the site's log belongs to."""

import logging

from .guard import request_id


class RequestId(logging.Filter):
    """Gives every record a `request_id`: that of the request at work, as the history has it, or None. For a handler of
    the site's own, see docs/deploying.md.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id()
        return True
