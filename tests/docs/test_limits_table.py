"""The table of limits in docs/security.md is the one that counts."""

import re
from pathlib import Path

from flask import Flask
from limits import parse

from portal_plugin.config import read_settings
from portal_plugin.domain.limits import Limit

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
SECTION = PAGE.partition("\n## Limits\n")[2].partition("\n## ")[0]


def test_the_table_has_every_limit_as_it_is() -> None:
    rows = re.findall(r"^\| `(.*?)` \| (.*?) \| `(.*?)` \| (.*?) \|$", SECTION, re.MULTILINE)
    assert rows == [(one.key, one.whom, one.rate, one.what) for one in Limit]


def test_the_example_is_understood() -> None:
    [code] = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    app = Flask("host")
    app.config.update(SECRET_KEY="x" * 32, PORTAL_BASE_URL="https://www.example.org")
    before = read_settings(app.config, app.instance_path).limits
    written: dict[str, object] = {}
    exec(code, written)
    app.config.update(PORTAL_LIMITS=written["PORTAL_LIMITS"])
    after = read_settings(app.config, app.instance_path).limits
    changed = {one.key: after[one] for one in Limit if after[one] != before[one]}
    assert changed == {"network_forms": parse("2000/hour"), "api_calls": parse("50/second"), "text_answers": None}
