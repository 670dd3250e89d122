"""The addresses of the review page: rule, endpoint, view, methods."""

from . import appointment, calendars, inviting, listing, moving, queue, schedule, waitlist

ROUTES = (
    ("/review/", "review_queue", queue.queue, ["GET"]),
    ("/review/decide", "review_decide", queue.decide_many, ["POST"]),
    ("/review/schedule", "review_schedule", schedule.schedule, ["GET"]),
    ("/review/invite", "review_invite", inviting.invite, ["GET", "POST"]),
    ("/review/calendars", "review_calendars", calendars.calendars, ["GET", "POST"]),
    ("/review/waitlist", "review_waitlist", waitlist.waitlist, ["GET", "POST"]),
    ("/review/appointments", "review_appointments", listing.listing, ["GET"]),
    ("/review/appointments/<ref>", "review_appointment", appointment.one, ["GET", "POST"]),
    ("/review/appointments/<ref>/move", "review_move", moving.move, ["GET", "POST"]),
)
