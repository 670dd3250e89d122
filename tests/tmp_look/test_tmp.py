import os
from datetime import timedelta
from pathlib import Path
import pytest
from tests.browser.conftest import *  # noqa
from tests.browser.desk import furnished_desk
from tests.support import TUESDAY_TEN
from tests.practices import practice

@pytest.mark.parametrize("width,scheme", [(1280, "light"), (390, "dark")])
def test_x(visit, site, width, scheme):
    rosa = visit(who="rosa", viewport={"width": width, "height": 844}, color_scheme=scheme)
    names = os.environ["NAMES"].split(",")
    for name, show in furnished_desk(site).items():
        if name in names or names == ["all"]:
            show(rosa)
            rosa.page.screenshot(path=f"/tmp/looks/{width}-{scheme}-{name.replace(' ', '-')}.png", full_page=True)
