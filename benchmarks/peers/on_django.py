"""django-appointment's half: its site, the same practice, and what each work costs. Run by its own Python.

    python on_django.py plan.json told.json    lays the plan's practice down and tells what its works cost
    gunicorn on_django:application             serves it

Both read the database's path from PEER_DATABASE.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from datetime import time as clock_time
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.urls import include, path

settings.configure(
    SECRET_KEY="a secret for measuring, 32 bytes.",  # noqa: S106 - measured, not kept
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["PEER_DATABASE"],
            "CONN_MAX_AGE": None,
            # What the portal uses: without these its races end in "database is locked".
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=normal;",
            },
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "appointment",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    LOGGING_CONFIG=None,
    TIME_ZONE="America/New_York",
    USE_TZ=True,
)
django.setup()

# Django's models can be imported once it is set up.
from appointment.models import Appointment, AppointmentRequest, Service, StaffMember, WorkingHours  # noqa: E402
from appointment.services import get_available_slots_for_staff  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

urlpatterns = [path("", include("appointment.urls"))]
application = WSGIHandler()


def lay_down(taken: list[tuple[str, int]], clients: int) -> None:
    """One provider, 9:00 to 17:00 on weekdays, 50 minutes and 10 between; a session for each client."""
    call_command("migrate", run_syncdb=True, verbosity=0)  # It ships no migrations.
    service = Service.objects.create(name="Therapy visit", duration=timedelta(minutes=50), price=0)
    staff = StaffMember.objects.create(
        user=User.objects.create(username="ada", first_name="Ada"), slot_duration=30, slot_gap_time=10
    )
    staff.services_offered.add(service)
    for weekday in range(1, 6):
        WorkingHours.objects.create(
            staff_member=staff, day_of_week=weekday, start_time=clock_time(9), end_time=clock_time(17)
        )
    people = [
        User.objects.create(username=f"client-{number}", email=f"{number}@example.org") for number in range(clients)
    ]
    # Its own save() refuses the past.
    requests = AppointmentRequest.objects.bulk_create(
        AppointmentRequest(
            date=date.fromisoformat(day),
            start_time=clock_time(hour),
            end_time=clock_time(hour, 50),
            service=service,
            staff_member=staff,
            id_request=f"{day}-{hour}",
        )
        for day, hour in taken
    )
    Appointment.objects.bulk_create(
        Appointment(client=people[number % clients], appointment_request=one, amount_to_pay=0)
        for number, one in enumerate(requests)
    )
    Session.objects.bulk_create(
        Session(
            session_key=f"{number:032}",
            session_data=SessionStore().encode(
                {
                    SESSION_KEY: str(person.pk),
                    BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
                    HASH_SESSION_KEY: person.get_session_auth_hash(),
                }
            ),
            expire_date=timezone.now() + timedelta(days=1),
        )
        for number, person in enumerate(people)
    )


def send(method: str, address: str, client: int, form: dict[str, str] | None = None) -> tuple[str, str, bytes]:
    """Status, where it redirects to, and the body."""
    body = urlencode(form or {}).encode()
    where, _, query = address.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": where,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_REQUESTED_WITH": "XMLHttpRequest",
        "HTTP_COOKIE": f"sessionid={client:032}",
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    told: list[Any] = []
    answer = application(environ, lambda status, headers, exc_info=None: told.extend([status, dict(headers)]))
    content = b"".join(answer)
    answer.close()
    return told[0], told[1].get("Location", ""), content


def book(client: int, day: str, hour: int) -> None:
    """Its two forms: the time, then the client's information."""
    slot = {"date": day, "start_time": f"{hour}:00", "end_time": f"{hour}:50", "service": "1", "staff_member": "1"}
    status, following, _ = send("POST", "/request-submit/", client, slot)
    assert status.startswith("302"), status  # noqa: S101
    details = {
        "name": "Maya",
        "email": "maya@example.org",
        "phone_0": "US",
        "phone_1": "2125550187",
        "payment_type": "full",
    }
    status, following, _ = send("POST", following, client, details)
    assert "thank-you" in following, (status, following)  # noqa: S101


def cost(work: Callable[[], object], rounds: int) -> dict[str, float]:
    taken = []
    for turn in range(rounds + 2):
        begun = time.thread_time()
        work()
        if turn > 1:
            taken.append(time.thread_time() - begun)
    with CaptureQueriesContext(connection) as seen:
        work()
    return {"ms": statistics.median(taken) * 1000, "statements": len(seen)}


def works(plan: dict[str, Any]) -> dict[str, tuple[Callable[[], Any], int]]:
    """By name, with how often to run each."""
    staff, service = StaffMember.objects.get(), Service.objects.get()
    day = date.fromisoformat(plan["day"])
    free = iter(plan["free"])

    def times(of: date) -> list[Any]:
        return get_available_slots_for_staff(of, staff, of.isoweekday() % 7, service)

    def upcoming() -> list[str]:
        # Clients have no such page: what a host would write, told to join.
        rows = Appointment.objects.filter(client__username="client-0", appointment_request__date__gte=day)
        rows = rows.select_related("appointment_request__service", "appointment_request__staff_member__user")
        return [f"{one.get_service_name()} {one.get_start_time()} {one.get_staff_member_name()}" for one in rows]

    return {
        "day": (lambda: [f"{slot:%H:%M}" for slot in times(day)], 40),
        "month": (lambda: [times(day + timedelta(days=n)) for n in range(30)], 8),
        "click": (
            lambda: send("GET", f"/ajax/available_slots/?selected_date={day}&staff_member=1&service_id=1", 0)[2],
            40,
        ),
        "next": (lambda: send("GET", "/ajax/request_next_available_slot/1/?staff_member=1", 0)[2], 4),
        "upcoming": (upcoming, 40),
        "create": (lambda: book(0, *next(free)), 20),
    }


def told(plan: dict[str, Any]) -> dict[str, Any]:
    lay_down(plan["taken"], plan["clients"])
    known = works(plan)
    found: dict[str, Any] = {"version": version("django-appointment")}
    for name in plan["works"]:
        work, rounds = known[name]
        answer = work()
        found[name] = cost(work, rounds) | {"answer": answer.decode() if isinstance(answer, bytes) else answer}
    return found


if __name__ == "__main__":
    # It logs to where one prints.
    plan_file, told_file = map(Path, sys.argv[1:])
    told_file.write_text(json.dumps(told(json.loads(plan_file.read_text())), default=str))
