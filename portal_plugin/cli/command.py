"""What all commands have in common: what they answer, how they refuse, and what both look like to a program."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from pydantic_core import to_jsonable_python

from ..domain.errors import AlreadyDecided, NotOffered, PortalError, PracticeFileError, SetupError, whereabouts
from ..services.state import State
from ..storage.database import Unreachable, check_ready
from ..web.api.problems import CODES, Problem

log = logging.getLogger("portal_plugin")

DONE, REFUSED, USAGE, NOT_FOUND, CONFLICT, UNAVAILABLE = range(6)
EXIT_CODES = {
    DONE: "Done, or so already.",
    REFUSED: "Refused by a rule, or something that was looked at is not in order.",
    USAGE: "The command was not understood, or --yes is missing.",
    NOT_FOUND: "What it names is not there.",
    CONFLICT: "Taken or decided meanwhile, too early or too late: look again.",
    UNAVAILABLE: "Something is not in place (see flask portal doctor), or the site did not answer in time.",
}
_OF_HTTP = {404: NOT_FOUND, 409: CONFLICT, 503: UNAVAILABLE}
"""The same refusal has the same kind of answer over HTTP and here."""

_JSON = "portal.json"


class Answer(NamedTuple):
    """`data` is for programs: fit for JSON, or something that can be made so. `lines` are for people, `aside` what
    only they want to know.
    """

    data: Any
    lines: Sequence[str] = ()
    aside: str = ""
    exit_code: int = DONE


class Command(click.Command):
    """Every one has --json, and turns a refusal into a sentence and an exit code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help="For a program to read."))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _refusals("--json" in args):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> None:
        as_json = ctx.meta[_JSON] = ctx.params.pop("as_json")
        with _refusals(as_json):
            answer: Answer = super().invoke(ctx)
        if as_json:
            click.echo(dumped(answer.data))
        else:
            for line in answer.lines:
                click.echo(line)
            if answer.aside:
                click.echo(answer.aside, err=True)
        ctx.exit(answer.exit_code)


class Group(AppGroup):
    """One that tells a program, too, that it has no such command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        with _refusals("--json" in args):
            return super().resolve_command(ctx, args)


def command(*params: click.Parameter, name: str = "", help: str = "") -> Callable[[Callable[..., Answer]], Command]:
    """A command with the function's name and docstring, unless others are given; it runs in the app's context."""

    def make(function: Callable[..., Answer]) -> Command:
        return Command(
            (name or function.__name__).replace("_", "-"),
            callback=with_appcontext(function),
            params=list(params),
            help=help or function.__doc__,
        )

    return make


def ready_state(practice: bool = True) -> State:
    """Raises SetupError until the tables are in place, and a practice is unless none is needed."""
    state = installed_state()
    if practice:
        state.check()
    else:
        check_ready(state.db)
    return state


def installed_state() -> State:
    return cast(State, current_app.extensions["portal"])


def wants_json() -> bool:
    return bool(click.get_current_context().meta[_JSON])


def consent(yes: bool, question: str, shown: Sequence[str] = ()) -> bool:
    """Go on, with --yes or when whoever sits at the terminal agrees; whether they were asked, and shown the lines."""
    if yes:
        return False
    if wants_json() or not at_terminal():
        raise click.UsageError("This is not done unasked, and there is no terminal to ask at: say --yes.")
    for line in shown:
        click.echo(line)
    click.confirm(question, abort=True)
    return True


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def dumped(data: Any) -> str:
    return json.dumps(to_jsonable_python(data), ensure_ascii=False, indent=2)


def option_hints() -> dict[str | None, str]:
    """How the arguments and options of the command at work are called, by the names of their values."""
    context = click.get_current_context(silent=True)
    return {param.name: param.get_error_hint(context) for param in context.command.params} if context else {}


class _Refusal(click.ClickException):
    def __init__(self, code: str, detail: str, exit_code: int, more: dict[str, Any], *, as_json: bool) -> None:
        super().__init__(detail)
        self.exit_code = exit_code  # type: ignore[misc]
        self.body = {"error": code, "detail": detail} | more
        self.as_json = as_json
        self.option = option_hints().get(more.get("field"))

    def show(self, file: Any = None) -> None:
        if self.as_json:
            click.echo(dumped(self.body), err=True)
        else:
            super().show(file)

    def format_message(self) -> str:
        return f"{self.option}: {self.message}" if self.option else self.message


@contextmanager
def _refusals(as_json: bool) -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        if not as_json:
            raise
        raise _Refusal("usage", error.format_message(), error.exit_code, {}, as_json=True) from None
    except (click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        raise _Refusal(*_told(error), as_json=as_json) from None


def _told(error: Exception) -> tuple[str, str, int, dict[str, Any]]:
    """Code, sentence, exit code, and what else a program may want to know."""
    if isinstance(error, Problem):
        told = error.body.model_dump(mode="json", include={"slots", "appointment_status"}, exclude_defaults=True)
        return error.body.code, error.body.detail, _OF_HTTP.get(error.body.status, REFUSED), told
    if isinstance(error, PracticeFileError):
        return "practice_file", str(error), REFUSED, {"mistakes": [one._asdict() for one in error.mistakes]}
    if isinstance(error, SetupError):
        return "unavailable", str(error), UNAVAILABLE, {}
    if isinstance(error, PortalError):
        status, code = CODES.get(type(error), (422, "refused"))
        return code, str(error), _OF_HTTP.get(status, REFUSED), _more(error)
    log.error("a command failed: %s", whereabouts(error))
    if isinstance(error, Unreachable):
        return "unavailable", "The database cannot be reached just now.", UNAVAILABLE, {}
    return "failed", "Something went wrong here, and the log says what.", UNAVAILABLE, {}


def _more(error: PortalError) -> dict[str, Any]:
    if isinstance(error, NotOffered):
        return {"field": error.field}
    return {"appointment_status": error.status} if isinstance(error, AlreadyDecided) else {}
