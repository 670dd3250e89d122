"""Imports point one way, and what belongs to one room is named in no other."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "portal_plugin"
FILES = sorted(PACKAGE.rglob("*.py"))

# `domain ← storage ← services ← {web, delivery, cli} ← portal`; a room may import itself, and these.
ALLOWED = {
    "domain": set(),
    "hooks": {"domain"},
    "config": {"domain", "wording"},
    "wording": {"domain"},
    "practice_file": {"domain"},
    "testing": {"domain", "storage", "services", "hooks", "delivery", "portal"},
    "storage": {"domain"},
    "services": {"domain", "storage", "hooks", "config", "practice_file"},
    "delivery": {"domain", "storage", "services", "hooks", "config", "wording"},
    "web": {
        "domain",
        "storage",
        "services",
        "hooks",
        "config",
        "wording",
        "delivery.calendar",
        "delivery.sms",
        "delivery.twilio",
    },
    "doctor": {"domain", "storage", "services", "config", "practice_file", "delivery"},
    "cli": {
        "domain",
        "storage",
        "services",
        "hooks",
        "config",
        "practice_file",
        "delivery",
        "doctor",
        "web.api",
    },
    "portal": {
        "domain",
        "storage",
        "services",
        "hooks",
        "config",
        "practice_file",
        "delivery",
        "web",
        "wording",
        "cli",
    },
    "__init__": {"delivery", "domain", "hooks", "portal", "web.logs"},
}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "localtime"),
}


class Import(NamedTuple):
    file: Path
    line: int
    module: str
    """Absolute and dotted, with the imported name at its end."""

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE.parent)}:{self.line} imports {self.module}"


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(file: Path) -> Iterator[Import]:
    """Every name that a file imports, wherever in it."""
    package = file.relative_to(PACKAGE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = (*base, *(node.module or "").split(".")) if node.module else base
            yield from (Import(file, node.lineno, ".".join((*start, alias.name))) for alias in node.names)


ALL = [found for file in FILES for found in imports(file)]


def room(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def told(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def test_every_room_is_known():
    assert {room(file) for file in FILES} == set(ALLOWED)


@pytest.mark.parametrize("name", ALLOWED)
def test_imports_point_one_way(name):
    allowed = {f"portal_plugin.{room}" for room in (*ALLOWED[name], name)}
    wrong = [
        found
        for found in ALL
        if room(found.file) == name and within(found.module, "portal_plugin") and not within(found.module, *allowed)
    ]

    assert not wrong, told(wrong)


def test_the_domain_imports_the_standard_library_alone():
    wrong = [
        found
        for found in ALL
        if room(found.file) == "domain"
        and not within(found.module, "portal_plugin.domain")
        and found.module.split(".")[0] not in sys.stdlib_module_names
    ]

    assert not wrong, told(wrong)


def test_the_domain_asks_no_clock():
    calls = [
        f"{file.name}:{node.lineno} {ast.unparse(node)}"
        for file in FILES
        if room(file) == "domain"
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value).split(".")[-1], node.attr) in CLOCKS
    ]

    assert not calls
    assert not [found for found in ALL if room(found.file) == "domain" and within(found.module, "time", "os", "random")]


def test_only_storage_names_peewee():
    wrong = [found for found in ALL if room(found.file) != "storage" and within(found.module, "peewee", "playhouse")]

    assert not wrong, told(wrong)


def test_only_storage_writes_sql():
    wrong = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        if room(file) != "storage"
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and node.attr in {"execute_sql", "execute", "raw"}
    ]

    assert not wrong


def test_only_web_names_a_request():
    """`flask.request` and what hangs on it; a test request context to render mails in is another thing."""
    wrong = [
        found
        for found in ALL
        if room(found.file) != "web"
        and (
            found.module in {"flask.request", "flask.session", "flask.g"}
            or within(found.module, "werkzeug", "htmx_flask")
        )
    ]

    assert not wrong, told(wrong)


def test_domain_storage_services_hooks_and_config_know_no_flask():
    inner = {"domain", "storage", "services", "hooks", "config", "practice_file", "wording"}
    wrong = [
        found
        for found in ALL
        if room(found.file) in inner and within(found.module, "flask", "flask_mail", "wtforms", "click", "werkzeug")
    ]

    assert not wrong, told(wrong)


def test_only_one_file_names_an_htmx_header():
    named = {file.relative_to(PACKAGE).as_posix() for file in FILES if "HX-" in file.read_text(encoding="utf-8")}

    assert named <= {"web/htmx.py"}


def test_a_view_opens_no_transaction():
    wrong = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        if room(file) in {"web", "cli", "portal", "delivery"}
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and node.attr in {"atomic", "transaction", "savepoint", "begin"}
    ]

    assert not wrong


def test_nothing_connects_or_reads_the_clock_when_imported():
    """Module level holds definitions: no database is opened and no time is read by an import."""
    wrong = [
        f"{file.relative_to(PACKAGE)}:{call.lineno} {ast.unparse(call)}"
        for file in FILES
        for statement in tree(file).body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        for call in ast.walk(statement)
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in {"connect", "open_database", "now"}
    ]

    assert not wrong


def test_nothing_is_exported_in_cells() -> None:
    """A spreadsheet runs what begins with = + - @ or a tab: whoever adds such an export has to escape it, and to say so
    in docs/faults.md.
    """
    for file in FILES:
        assert not re.search(r"import (csv|openpyxl|xlsxwriter)|text/csv|spreadsheet", file.read_text()), file
