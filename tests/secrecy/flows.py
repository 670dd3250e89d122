"""Everything that can happen to an appointment, once, with markers in all of it."""

from datetime import date, timedelta
from typing import Any

from portal_plugin import PortalError
from portal_plugin.services.tokens import link_token
from portal_plugin.storage import api_keys, consents, feeds, guests, outbox, outbox_entries
from portal_plugin.testing import Mail
from tests.api.support import WANTED, System, make_key
from tests.delivery.receiver import Receiver
from tests.secrecy.markers import HEALTH, PERSON, SECRETS
from tests.secrecy.outlets import Watch
from tests.secrecy.site import CLIENT, GUEST, STAFF, STRANGER
from tests.support import STEP_2, TUESDAY_TEN, Host
from tests.web import visiting
from tests.web.desk import INVITE, LISTING, REVIEW, SCHEDULE, WAITLIST, at, decide, token
from tests.web.pages import BOOK, HTMX, UPCOMING, open_page, ref_of, send, step_2
from tests.web.texter import send_text

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTE, MESSAGE, REASON = PERSON["note"], PERSON["message"], PERSON["reason"]
REMINDERS, CALENDAR = "/portal/appointments/reminders", "/portal/appointments/calendar"
WAIT = "/portal/appointments/waitlist"
CALLED = {"type": "visit", "contact": "phone", "provider": "ada"}
GUEST_MAIL = PERSON["guest's mail"]
METRICS = {"Authorization": f"Bearer {SECRETS['metrics token']}"}


class Flows:
    def __init__(self, host: Host, watch: Watch, there: Receiver) -> None:
        self.host, self.watch, self.there = host, watch, there
        self.client, self.staff, self.visitor = host.browser("maya"), host.browser("rosa"), host.browser(None)
        self.refs: list[str] = []
        self.records: list[Any] = [host.state.settings, host.state.host, CLIENT, STAFF]
        host.portal.veto_request(self.records.append)
        host.portal.guest_verified(self.records.append)

    def all(self) -> None:
        for flow in (
            self.a_request_is_declined,
            self.a_request_is_confirmed_moved_and_cancelled,
            self.an_invitation_is_accepted_another_withdrawn_and_one_expires,
            self.it_took_place_or_not,
            self.a_guest_goes_all_the_way,
            self.somebody_waits,
            self.the_practice_looks,
            self.another_system_calls,
            self.texts_come_in,
            self.calendars_are_read,
            self.a_day_goes_by,
            self.commands_are_given,
            self.machines_ask,
            self.records_are_written_down,
            self.everybody_is_forgotten,
            self.forms_and_links_are_wrong,
        ):
            flow()
            # Now, since some rows do not live long.
            self.watch.tables(self.host)
        self.deliver()
        self.watch.hooks(self.there.got)
        self.watch.texts(self.host.state.settings.sms.sent)
        self.watch.tables(self.host)

    # What happens.

    def a_request_is_declined(self) -> None:
        open_page(self.client, BOOK)
        ref = self.asked(note=NOTE, text_reminders="1", phone=PERSON["client's phone"])
        open_page(self.client, f"/portal/appointments/{ref}/requested")
        open_page(self.client, UPCOMING)
        self.deliver()
        assert decide(self.staff, ref, "decline", MESSAGE).status_code == 303
        for mail in self.deliver():
            self.follow(mail)
        open_page(self.client, "/portal/appointments/past")

    def a_request_is_confirmed_moved_and_cancelled(self) -> None:
        ref = self.asked(STEP_2.replace("in-person&location=main", "phone"), note=NOTE)
        assert decide(self.staff, ref, "confirm", MESSAGE).status_code == 303
        self.deliver()
        open_page(self.client, UPCOMING)
        self.client.get(f"/portal/appointments/{ref}/calendar.ics")
        mine = f"/portal/appointments/{ref}/reschedule"
        page = open_page(self.client, mine)
        moved = self.client.post(mine, data=page.form | {"starts": page.times[-1], "note": NOTE})
        new = ref_of(moved)
        assert decide(self.staff, new, "confirm").status_code == 303
        self.deliver()
        form = open_page(self.staff, at(new, "/move")).forms[at(new, "/move")][0]
        when = {"date": "2026-12-10", "time": "11:00", "provider": "ada", "message": MESSAGE}
        moved = self.staff.post(at(new, "/move"), data=form | when)
        assert moved.status_code == 303, moved.text
        last = moved.location.rsplit("/", 1)[-1]
        address = f"/portal/appointments/{last}/cancel"
        form = open_page(self.client, address).forms[address][0]
        assert self.client.post(address, data=form | {"reason": REASON}).status_code == 303
        self.deliver()
        self.refs += [ref, new, last]

    def an_invitation_is_accepted_another_withdrawn_and_one_expires(self) -> None:
        one, two, three = (self.act("invite", CLIENT, starts=TUESDAY_TEN + n * DAY, message=MESSAGE) for n in range(3))
        self.deliver()
        page = open_page(self.client, UPCOMING)
        address = f"/portal/appointments/{one.ref}/accept"
        assert self.client.post(address, data=page.forms[address][0]).status_code == 303
        assert decide(self.staff, two.ref, "withdraw", MESSAGE).status_code == 303
        self.deliver()
        self.refs.append(one.ref)
        self.expiring = three

    def it_took_place_or_not(self) -> None:
        choices = CALLED | {"reference": PERSON["host's reference"], "data": {"file": PERSON["host's data"]}}
        came = self.act("book", CLIENT, starts=TUESDAY_TEN + 4 * HOUR, message=MESSAGE, by=STAFF.name, **choices)
        missed = self.act("book", CLIENT, starts=TUESDAY_TEN + 5 * HOUR, by=STAFF.name)
        self.act("invite_series", CLIENT, starts=TUESDAY_TEN + 7 * DAY, weeks=2, message=MESSAGE, **CALLED)
        self.deliver()
        self.over = came.ref, missed.ref
        self.refs += self.over

    def a_guest_goes_all_the_way(self) -> None:
        visitor, start = self.visitor, visiting.ELEVEN
        open_page(visitor, BOOK)
        open_page(visitor, STEP_2)
        wrong = visitor.post(visiting.YOU, data=visiting.introduction(visitor, start, **GUEST | {"email": "none"}))
        assert wrong.status_code == 422
        assert visiting.ask(visitor, start, text_reminders="1", **GUEST).status_code == 200
        [mail] = [mail for mail in self.deliver() if mail.to == [GUEST_MAIL]]
        sent = visiting.press(visitor, visiting.link_in(mail))
        assert sent.status_code == 303, sent.text
        ref = ref_of(sent)
        open_page(visitor, sent.location)
        assert decide(self.staff, ref, "confirm", MESSAGE).status_code == 303
        mails = [mail for mail in self.deliver() if mail.to == [GUEST_MAIL]]
        own = visiting.guest_page_in(mails[-1])
        page = open_page(visitor, own)
        for link in page.links:
            if link.startswith("/portal/guest/"):
                visitor.get(link)
        address = next(address for address in page.links if address.endswith("/reschedule"))
        form = open_page(visitor, address)
        again = visitor.post(address, data=form.form | {"starts": form.times[-1], "note": NOTE})
        assert again.status_code == 303, again.text
        self.act_on("decline", ref_of(again), message=MESSAGE)
        for mail in self.deliver():
            self.follow(mail)
        self.refs.append(ref)
        self.guests_ref = ref
        # Of this one nobody hears again.
        later = open_page(visitor, STEP_2).times[-1]
        assert visiting.ask(visitor, later, **GUEST | {"email": f"second-{GUEST_MAIL}"}).status_code == 200

    def somebody_waits(self) -> None:
        page = open_page(self.client, f"{WAIT}?type=visit&contact=phone&provider=ada&date=2027-01-22")
        [address] = [one for one in page.forms if one.startswith(WAIT)]
        days = {"earliest": HEALTH["wish"], "latest": "2027-01-22", "friday": "1"}
        wish = page.forms[address][0] | days
        self.client.post(address, data=wish | {"earliest": "2027-01-99"})
        taken = [self.act("book", STRANGER, starts=slot.starts, **CALLED) for slot in self.free("2027-01-22")]
        assert self.client.post(address, data=wish).status_code == 303
        open_page(self.client, UPCOMING)
        open_page(self.staff, WAITLIST)
        self.act_on("cancel", taken[0].ref, message=MESSAGE)
        self.deliver()
        open_page(self.client, UPCOMING)

    def free(self, day: str) -> list[Any]:
        with self.host.app.app_context():
            on = date.fromisoformat(day)
            slots = list(self.host.portal.find_slots(since=on, until=on, **CALLED))
        return slots[::2]

    def the_practice_looks(self) -> None:
        for address in (REVIEW, SCHEDULE, f"{SCHEDULE}?date=2026-12-08", LISTING, INVITE, WAITLIST):
            open_page(self.staff, address)
            self.staff.get(address, headers=HTMX)
        for ref in self.refs:
            open_page(self.staff, at(ref))
        form = open_page(self.staff, INVITE).forms[INVITE][0]
        mistyped = {"name": PERSON["client's name"], "email": PERSON["client's mail"], "message": MESSAGE}
        assert self.staff.post(INVITE, data=form | mistyped | {"verb": "invite", "date": "soon"}).status_code == 422
        self.host.portal.find_clients(lambda text: [CLIENT] if text in CLIENT.name else [])
        form = open_page(self.staff, INVITE).forms[INVITE][0] | {"verb": "find"}
        for looked_for, status in ((CLIENT.name, 200), (GUEST["name"], 422)):
            assert self.staff.post(INVITE, data=form | {"find": looked_for}).status_code == status
        open_page(self.staff, f"{INVITE}?again={self.refs[0]}")
        listed = open_page(self.staff, f"{LISTING}?status=confirmed")
        for link in listed.links:
            if link.startswith(LISTING):
                self.staff.get(link)
        calendars = "/portal/review/calendars"
        page = open_page(self.staff, calendars)
        self.staff.post(calendars, data=page.forms[calendars][0])
        open_page(self.staff, calendars)

    def another_system_calls(self) -> None:
        system = System(self.host.app.test_client(), make_key(self.host))
        client = {"id": CLIENT.id, "name": CLIENT.name, "email": CLIENT.email, "phone": CLIENT.phone}
        wanted = WANTED | {"client": client, "starts": "2026-12-16T18:00:00Z", "note": NOTE}
        wanted |= {"reference": PERSON["host's reference"], "data": {"file": PERSON["host's data"]}}
        for _ in range(2):
            answer = system.post("/requests", wanted, once=SECRETS["Idempotency-Key"])
            assert answer.status_code == 201, answer.text
        ref = answer.json["ref"]
        for path in ("/appointments", f"/appointments/{ref}", f"/appointments/{ref}/history", "/outbox", "/providers"):
            assert system.get(path).status_code == 200
        for path in ("/types", "/contact-types", "/locations", "/openapi.json"):
            assert system.get(path).status_code == 200
        system.get("/slots", type="visit", contact="phone", provider="ada")
        system.get("/slots/explain", type="visit", contact="phone", provider="ada", starts="2026-12-15T15:00:00Z")
        system.post(f"/appointments/{ref}/decline", {"message": MESSAGE, "by": STAFF.name})
        assert system.get(f"/appointments/{ref}/history").status_code == 200
        # What is refused.
        system.post("/requests", wanted | {"starts": NOTE}, once="another-1")
        system.post("/requests", wanted, once=SECRETS["Idempotency-Key"] + "\x7f")
        system.post("/requests", wanted | {"client": client | {"email": PERSON["note"]}})
        system.post("/requests", wanted | {"client": client | {"language": NOTE, "zone": NOTE}})
        system.post(f"/appointments/{ref}/confirm", {"message": MESSAGE})
        system.post("/requests", wanted | {"note": NOTE * 9000})
        System(system.client, system.key + "x").get("/appointments")
        self.refs.append(ref)

    def texts_come_in(self) -> None:
        words = PERSON["text that came in"]
        for text in ("STOP", f"stop {words}", "START", "HELP", words):
            assert (
                send_text(self.host, text, PERSON["client's phone"], token=SECRETS["gateway's token"]).status_code
                == 200
            )
        assert send_text(self.host, words, PERSON["client's phone"], token="0" * 32).status_code == 403
        self.act_on("stop_texts", PERSON["guest's phone"], said=words)
        off = f"{REMINDERS}/off"
        page = open_page(self.client, REMINDERS)
        assert self.client.post(off, data=page.forms[off][0]).status_code == 303
        on = open_page(self.client, REMINDERS).forms[REMINDERS][0]
        on |= {"phone": PERSON["client's phone"], "text_reminders": "1"}
        self.client.post(REMINDERS, data=on | {"phone": "12"})
        assert self.client.post(REMINDERS, data=on).status_code == 303

    def calendars_are_read(self) -> None:
        page = open_page(self.client, CALENDAR)
        assert self.client.post(CALENDAR, data=page.forms[CALENDAR][0]).status_code == 303
        open_page(self.client, CALENDAR)
        for (secret,) in self.host.state.db.execute_sql("SELECT secret FROM portal_feed").fetchall():
            address = f"/portal/calendar/{secret}.ics"
            assert self.visitor.get(address).status_code == 200
            assert self.visitor.get(address.replace(secret[0], "x", 1)).status_code == 404

    def a_day_goes_by(self) -> None:
        """Reminders, what expires, the digest, and what took place."""
        self.act("book", CLIENT, starts=TUESDAY_TEN + 2 * HOUR)
        for moment in (TUESDAY_TEN - 16 * HOUR, TUESDAY_TEN - HOUR, TUESDAY_TEN + 9 * HOUR, self.expiring.expires):
            self.host.clock.now = moment
            self.deliver()
        came, missed = self.over
        self.act_on("complete", came)
        self.act_on("no_show", missed)
        self.deliver()

    def commands_are_given(self) -> None:
        host, watch = self.host, self.watch
        for args in (
            *(["show", ref] for ref in self.refs[:2]),
            *(["history", ref] for ref in self.refs[:3]),
            ["appointments"],
            ["requests"],
            ["waitlist"],
            ["consents"],
            ["export", CLIENT.id],
            ["decline", self.refs[0], "--message", MESSAGE],
            ["confirm", MESSAGE],
            ["request", "visit", "phone", "2026-12-20T99:00", "--client", CLIENT.id, "--name", CLIENT.name],
        ):
            watch.command(host, *args)
            watch.command(host, *args, "--json")
        for args in (
            ["outbox"],
            ["slots", "visit", "phone"],
            ["practice"],
            ["calendars"],
            ["webhooks", "list"],
            ["keys", "list"],
            ["verify"],
            ["doctor"],
            ["worker", "--health"],
        ):
            watch.command(host, *args, names=False)
            watch.command(host, *args, "--json", names=False)

    def machines_ask(self) -> None:
        for path in ("health", "ready", "metrics"):
            self.visitor.get(f"/portal/{path}")
            assert self.visitor.get(f"/portal/{path}", headers=METRICS).status_code == 200

    def records_are_written_down(self) -> None:
        """As a log, a debugger or an error tracker does."""
        db, later = self.host.state.db, self.host.clock() + 400 * DAY
        with db.atomic() as transaction:
            leased = [m for lane in outbox.lanes_due(db, later) for m in outbox.lease_due(db, lane, later, later, 20)]
            transaction.rollback()
        for record in (
            *self.records,
            *self.act_on("appointments"),
            *self.act_on("waitlist"),
            *self.act_on("history", self.refs[0]),
            *outbox_entries.listed(db),
            *leased,
            *consents.of_client(db, CLIENT.id, [PERSON["client's phone"]]),
            *feeds.listed(db, feeds.Kind.CLIENT).values(),
            *guests.intake(db, self.act_on("appointment", self.guests_ref)),
            *api_keys.listed(db),
        ):
            self.watch.look("repr", repr(record), type(record))

    def everybody_is_forgotten(self) -> None:
        self.watch.tables(self.host)
        self.watch.command(self.host, "erase", CLIENT.id, "--yes")
        self.watch.command(self.host, "erase", CLIENT.id, "--yes", "--cancel")
        self.deliver()

    def forms_and_links_are_wrong(self) -> None:
        """What was typed comes back to who typed it, and to nobody else."""
        client, staff, visitor, host = self.client, self.staff, self.visitor, self.host
        form = step_2(client, note=NOTE)
        for wrong in ({"portal_token": NOTE}, {"starts": NOTE}, {"type": NOTE}, {"note": NOTE * 9000}, {"phone": NOTE}):
            assert send(client, form | {"text_reminders": "1"} | wrong).status_code in {400, 413, 422}
        send(visitor, form | {"phone": ""})
        times = open_page(visitor, STEP_2).times
        assert [visiting.ask(visitor, times[n], **GUEST).status_code for n in range(6)][-1] == 429
        assert client.post(BOOK, data=form, headers={"Origin": "https://elsewhere.example"}).status_code == 400
        other = self.act("request", STRANGER, starts=self.free("2027-01-20")[0].starts, note=NOTE)
        self.act_on("confirm", other.ref)
        link = f"/portal/link/{link_token(host.state, 'again', other.ref)}"
        for path in (f"/portal/appointments/{other.ref}/requested", "/portal/link/x", "/portal/guest/x", REVIEW, link):
            assert client.get(path).status_code == 404
        assert visitor.get(link).status_code == 302
        assert decide(staff, other.ref, "decline", MESSAGE).status_code == 409
        staff.post(at(other.ref), data=token(staff) | {"verb": NOTE})
        for verb in ("confirm", "accept", "withdraw", "complete", "decline"):
            try:
                self.act_on(verb, other.ref)
            except PortalError as error:
                self.watch.error(error, verb)
        host.clock.advance(timedelta(days=100))
        assert client.get(link).status_code == 410

    # How.

    def asked(self, address: str = STEP_2, **typed: str) -> str:
        ref = ref_of(send(self.client, step_2(self.client, address, **typed)))
        self.refs.append(ref)
        return ref

    def act(self, verb: str, *args: Any, **choices: Any) -> Any:
        with self.host.app.app_context():
            return getattr(self.host.portal, verb)(*args, **(CALLED | choices))

    def act_on(self, verb: str, *args: Any, **more: Any) -> Any:
        with self.host.app.app_context():
            return getattr(self.host.portal, verb)(*args, **more)

    def deliver(self) -> list[Mail]:
        mails = self.host.deliver()
        self.watch.mails(mails)
        return mails

    def follow(self, mail: Mail) -> None:
        """Open every link of ours, signed in and as nobody."""
        for link in mail.links:
            if link.startswith("https://www.elmrow.example/portal/"):
                for browser in (self.client, self.visitor):
                    browser.get(link.removeprefix("https://www.elmrow.example"), follow_redirects=True)
