"""Sentences in the sources that are not handed to the catalogs, found by their looks."""

import ast
import re
from collections.abc import Iterator

from jinja2 import Environment, nodes

from tests.wording.catalogs import KEYWORDS, ROOT
from tests.wording.pseudo import Missed

TEMPLATES = ROOT / "templates" / "portal"
CODE = ROOT / "portal_plugin"

FOR_DEVELOPERS = {
    "__init__.py",
    "config.py",  # settings
    "hooks.py",  # what a signal says
    "api",  # the HTTP API speaks English
    "cli",
    "doctor",
    "migrations",
    "practice_file",  # mistakes in the file; what clients read of it is checked on the pages
    "testing",
    "portal.py",  # what a host's call is refused with
    "preview.py",  # the sample itself
    "explanation.py",  # the answer of `flask portal explain`
    "texting.py",  # what clients write
    "monitoring.py",  # what Prometheus shows
    "twilio.py",  # failures, for the outbox
    "worker.py",  # its own log
    "webhooks.py",  # the command line's
}
"""Files and folders whose sentences only host developers read."""

RAISED_AT_DEVELOPERS = {"SetupError", "ValueError", "TypeError", "RuntimeError", "KeyError", "UserWarning"}
LOGGED = {"echo", "debug", "info", "warning", "error", "exception", "critical", "log"}

NAMES = ("iCal", "Google Calendar", "Outlook", "Microsoft 365")
"""Products are called the same in every language."""

TRACEBACK = "Traceback (most recent call last)"
"""Python's own words, for a log."""

SENTENCE = re.compile(r"^[^a-z`_]*[A-Z][\w’']* [\w’'(].*|^[^`]*[a-z]{2} [a-z’']+.*[.?!]$", re.DOTALL)
SQL = re.compile(r"\b(PRAGMA|SELECT|INSERT|UPDATE|DELETE|LOCK|SHOW|SET LOCAL|WHERE|AND|ORDER BY|RETURNING)\b")
CLASSES = re.compile(r"(portal-[\w-]*\s*)+")
MARKS = re.compile(r'[\w-]+="[^"]*"')


def in_templates() -> Iterator[str]:
    nothing = Missed(NAMES)
    for path in sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt"}):
        source, name = path.read_text(), path.relative_to(TEMPLATES)
        bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.DOTALL)
        found = nothing.in_html(bare) if path.suffix == ".html" else nothing.in_text(bare.replace("Subject:", ""))
        # A macro that makes attributes looks like text where no tag is around it.
        yield from (f"{name}: {text}" for text in found if MARKS.sub("", text).strip())
        for node in _constants(Environment(autoescape=True).parse(source)):
            if (
                node.value not in NAMES
                and re.search("[A-Z][a-z]|[a-z] [a-z]", node.value)
                and not CLASSES.fullmatch(node.value.strip())
            ):
                yield f"{name}:{node.lineno}: {node.value}"


def _constants(node: nodes.Node) -> Iterator[nodes.Const]:
    """Texts in expressions, but for the messages themselves."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in KEYWORDS:
        for word in node.kwargs:
            yield from _constants(word)
    elif isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node
    else:
        for child in node.iter_child_nodes():
            yield from _constants(child)


def in_code() -> Iterator[str]:
    for path in sorted(CODE.rglob("*.py")):
        if not FOR_DEVELOPERS.intersection(path.relative_to(CODE).parts):
            for line, text in _texts(ast.parse(path.read_text())):
                if SENTENCE.search(text) and not SQL.search(text) and text not in NAMES and TRACEBACK not in text:
                    yield f"{path.relative_to(CODE)}:{line}: {text}"


def _texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every literal, but for messages, docstrings, and what only developers read."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in KEYWORDS:
            for word in node.keywords:
                yield from _texts(word.value)
            return
        if name in RAISED_AT_DEVELOPERS | LOGGED:
            return
    if isinstance(node, ast.JoinedStr):
        yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.lineno, node.value
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)
