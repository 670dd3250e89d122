"""Every address of the portal, and what is true of it: who it is for, what sends a form there, who may keep the answer.

A new route needs a row here: test_every_address.py compares both, and then goes to each and tries.
"""

from enum import StrEnum
from typing import NamedTuple

from portal_plugin.storage.api_keys import Scope


class For(StrEnum):
    """Whom an address answers. Everybody else is refused in the way that the test of that name says."""

    ANYBODY = "anybody"
    CLIENT = "a client who is signed in"
    NEW_TOO = "a client, and where the practice takes new ones a visitor"
    OWNER = "the client whose appointment it names"
    LINKED = "the client a mailed link was made for"
    GUEST = "whoever holds the link to this guest's appointments"
    DRAFT = "whoever holds the link that verifies their mail address"
    STAFF = "staff"
    KEY = "a key of the API with the scope"
    FEED = "whoever knows the secret address"
    GATEWAY = "the text gateway, by its signature"
    MONITOR = "the monitor, by its token"


class Guard(StrEnum):
    """What keeps another site from sending something there with a client's browser."""

    READS = "it changes nothing"
    FORM = "the form's token, and Origin"
    BEARER = "cookies count for nothing"
    SIGNED = "the whole call is signed"


class Keep(StrEnum):
    """Cache-Control of what an address answers."""

    NOBODY = "no-store"
    FOR_GOOD = "public, max-age=31536000, immutable"
    ASK_AGAIN = "private, no-cache"


class Row(NamedTuple):
    audience: For
    methods: str
    guard: Guard = Guard.READS
    keep: Keep = Keep.NOBODY
    scope: Scope | None = None


READ = Row(For.KEY, "GET", Guard.READS, scope=Scope.READ)
BOOK = Row(For.KEY, "POST", Guard.BEARER, scope=Scope.BOOK)
DECIDE = Row(For.KEY, "POST", Guard.BEARER, scope=Scope.DECIDE)
INTAKE = Row(For.KEY, "GET", Guard.READS, scope=Scope.INTAKE)

ADDRESSES: dict[tuple[str, str], Row] = {
    ("/portal/static/<path:filename>", "portal.static"): Row(For.ANYBODY, "GET", keep=Keep.FOR_GOOD),
    ("/portal/", "portal.index"): Row(For.ANYBODY, "GET"),
    ("/portal/appointments/book", "portal.book"): Row(For.NEW_TOO, "GET"),
    ("/portal/appointments/book", "portal.request"): Row(For.CLIENT, "POST", Guard.FORM),
    ("/portal/appointments/book/hold", "portal.hold"): Row(For.CLIENT, "POST", Guard.FORM),
    ("/portal/appointments/book/time", "portal.time"): Row(For.NEW_TOO, "GET"),
    ("/portal/appointments/book/you", "portal.about_you"): Row(For.NEW_TOO, "GET POST", Guard.FORM),
    ("/portal/verify/<token>", "portal.verify"): Row(For.DRAFT, "GET POST", Guard.FORM),
    ("/portal/appointments/upcoming", "portal.upcoming"): Row(For.CLIENT, "GET"),
    ("/portal/appointments/past", "portal.past"): Row(For.CLIENT, "GET"),
    ("/portal/appointments/calendar", "portal.subscribe"): Row(For.CLIENT, "GET POST", Guard.FORM),
    ("/portal/appointments/reminders", "portal.reminders"): Row(For.CLIENT, "GET"),
    ("/portal/appointments/reminders", "portal.turn_on"): Row(For.CLIENT, "POST", Guard.FORM),
    ("/portal/appointments/reminders/off", "portal.turn_off"): Row(For.CLIENT, "POST", Guard.FORM),
    ("/portal/appointments/waitlist", "portal.wait"): Row(For.CLIENT, "GET POST", Guard.FORM),
    # Whatever it names, whoever is signed in comes back to their own list.
    ("/portal/appointments/waitlist/<ref>/leave", "portal.leave"): Row(For.CLIENT, "POST", Guard.FORM),
    ("/portal/appointments/<ref>/requested", "portal.requested"): Row(For.OWNER, "GET"),
    ("/portal/appointments/<ref>/accept", "portal.accept"): Row(For.OWNER, "POST", Guard.FORM),
    ("/portal/appointments/<ref>/reschedule", "portal.reschedule"): Row(For.OWNER, "GET POST", Guard.FORM),
    ("/portal/appointments/<ref>/cancel", "portal.cancel"): Row(For.OWNER, "GET POST", Guard.FORM),
    ("/portal/appointments/<ref>/calendar.ics", "portal.calendar"): Row(For.OWNER, "GET"),
    ("/portal/link/<token>", "portal.link"): Row(For.LINKED, "GET"),
    ("/portal/calendar/<secret>.ics", "portal.feed"): Row(For.FEED, "GET", keep=Keep.ASK_AGAIN),
    ("/portal/guest/<guest>", "portal.upcoming"): Row(For.GUEST, "GET"),
    ("/portal/guest/<guest>/<ref>/requested", "portal.requested"): Row(For.GUEST, "GET"),
    ("/portal/guest/<guest>/<ref>/accept", "portal.accept"): Row(For.GUEST, "POST", Guard.FORM),
    ("/portal/guest/<guest>/<ref>/reschedule", "portal.reschedule"): Row(For.GUEST, "GET POST", Guard.FORM),
    ("/portal/guest/<guest>/<ref>/cancel", "portal.cancel"): Row(For.GUEST, "GET POST", Guard.FORM),
    ("/portal/guest/<guest>/<ref>/calendar.ics", "portal.calendar"): Row(For.GUEST, "GET"),
    ("/portal/guest/<guest>/<ref>/again", "portal.again"): Row(For.GUEST, "GET"),
    ("/portal/review/", "portal.review_queue"): Row(For.STAFF, "GET"),
    ("/portal/review/decide", "portal.review_decide"): Row(For.STAFF, "POST", Guard.FORM),
    ("/portal/review/schedule", "portal.review_schedule"): Row(For.STAFF, "GET"),
    ("/portal/review/invite", "portal.review_invite"): Row(For.STAFF, "GET POST", Guard.FORM),
    ("/portal/review/calendars", "portal.review_calendars"): Row(For.STAFF, "GET POST", Guard.FORM),
    ("/portal/review/waitlist", "portal.review_waitlist"): Row(For.STAFF, "GET POST", Guard.FORM),
    ("/portal/review/appointments", "portal.review_appointments"): Row(For.STAFF, "GET"),
    ("/portal/review/appointments/<ref>", "portal.review_appointment"): Row(For.STAFF, "GET POST", Guard.FORM),
    ("/portal/review/appointments/<ref>/move", "portal.review_move"): Row(For.STAFF, "GET POST", Guard.FORM),
    ("/portal/api/v1/openapi.json", "portal_api.document"): Row(For.ANYBODY, "GET"),
    ("/portal/api/v1/appointments", "portal_api.list_appointments"): READ,
    ("/portal/api/v1/appointments/<ref>", "portal_api.read_appointment"): READ,
    ("/portal/api/v1/appointments/<ref>/history", "portal_api.read_history"): READ,
    ("/portal/api/v1/appointments/<ref>/intake", "portal_api.read_intake"): INTAKE,
    ("/portal/api/v1/waitlist", "portal_api.list_waitlist"): READ,
    ("/portal/api/v1/outbox", "portal_api.list_outbox"): READ,
    ("/portal/api/v1/slots", "portal_api.find_slots"): READ,
    ("/portal/api/v1/slots/explain", "portal_api.explain_slot"): READ,
    ("/portal/api/v1/providers", "portal_api.list_providers"): READ,
    ("/portal/api/v1/types", "portal_api.list_types"): READ,
    ("/portal/api/v1/locations", "portal_api.list_locations"): READ,
    ("/portal/api/v1/contact-types", "portal_api.list_contact_types"): READ,
    ("/portal/api/v1/requests", "portal_api.request"): BOOK,
    ("/portal/api/v1/invitations", "portal_api.invite"): BOOK,
    ("/portal/api/v1/bookings", "portal_api.book"): BOOK,
    ("/portal/api/v1/appointments/<ref>/reschedule", "portal_api.reschedule"): BOOK,
    ("/portal/api/v1/appointments/<ref>/confirm", "portal_api.confirm"): DECIDE,
    ("/portal/api/v1/appointments/<ref>/decline", "portal_api.decline"): DECIDE,
    ("/portal/api/v1/appointments/<ref>/cancel", "portal_api.cancel"): DECIDE,
    ("/portal/api/v1/appointments/<ref>/accept", "portal_api.accept"): DECIDE,
    ("/portal/api/v1/appointments/<ref>/withdraw", "portal_api.withdraw"): DECIDE,
    ("/portal/api/v1/appointments/<ref>/complete", "portal_api.complete"): DECIDE,
    ("/portal/api/v1/appointments/<ref>/no-show", "portal_api.no_show"): DECIDE,
    ("/portal/sms/status/<key>", "portal_gateway.status"): Row(For.GATEWAY, "POST", Guard.SIGNED),
    ("/portal/sms/inbound", "portal_gateway.inbound"): Row(For.GATEWAY, "POST", Guard.SIGNED),
    ("/portal/health", "portal_monitoring.health"): Row(For.ANYBODY, "GET"),
    ("/portal/ready", "portal_monitoring.ready"): Row(For.ANYBODY, "GET"),
    ("/portal/metrics", "portal_monitoring.metrics"): Row(For.MONITOR, "GET"),
}
