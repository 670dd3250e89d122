"""flask portal ...: a file for each subject, whose commands stand in its COMMANDS."""

from collections.abc import Iterable

from . import acting, consents, keys, looking, people, running, setting_up, waiting, webhooks
from .command import EXIT_CODES, Command, Group


def portal_commands() -> Group:
    """All of them. Nothing in them belongs to one app."""
    parts = (setting_up, looking, acting, waiting, people, consents, running)
    group = _group("portal", "The appointment portal.", (one for part in parts for one in part.COMMANDS))
    codes = "\n".join(f"  {code}  {what}" for code, what in EXIT_CODES.items())
    group.epilog = f"\b\nExit codes:\n{codes}"
    group.add_command(_group("keys", "Keys of the HTTP API.", keys.COMMANDS))
    group.add_command(_group("webhooks", "Other systems that are told of changes.", webhooks.COMMANDS))
    return group


def _group(name: str, help: str, commands: Iterable[Command]) -> Group:
    group = Group(name, help=help)
    for command in commands:
        group.add_command(command)
    return group
