"""templates/ and static/ stand beside the package and ship inside it: every way to install must find them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
PIP_INSTALL = (sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation")

# What a host sees, told as JSON. `site` runs the .pth files an editable install consists of.
PROBE = """
import json, os, site, sys
site.addsitedir(sys.argv[1])

import portal_plugin
from flask import Flask
from portal_plugin import Portal

app = Flask("host")
app.config.update(SECRET_KEY="x" * 32, PORTAL_BASE_URL="http://127.0.0.1:5000", PORTAL_SIGN_IN="login")
Portal(app)
package = os.path.dirname(portal_plugin.__file__)
print(json.dumps({
    "package": package,
    "page": app.jinja_env.get_template("portal/base.html").filename,
    "static": app.blueprints["portal"].static_folder,
    "migrations": os.path.join(package, "storage", "migrations"),
}))
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """What a commit of everything would hold: a dirty build/ or a cache beside it cannot leak in."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def distributions(checkout, tmp_path_factory):
    """The folder with the sdist and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=checkout)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions):
    return next(distributions.glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(distributions):
    return next(distributions.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def shipped(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_ships_templates_static_files_and_migrations(shipped):
    assert {
        "portal_plugin/py.typed",
        "portal_plugin/templates/portal/base.html",
        "portal_plugin/static/portal/vendor/htmx.min.js",
        "portal_plugin/static/portal/vendor/htmx.LICENSE.txt",
        "portal_plugin/static/portal/vendor/NOTICE.md",
    } <= shipped
    assert any(name.startswith("portal_plugin/storage/migrations/0001") for name in shipped)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in shipped)


def test_the_wheel_ships_every_file_of_the_portal_and_none_of_the_example(shipped, checkout):
    sources = {
        "portal_plugin": checkout / "portal_plugin",
        "portal_plugin/templates/portal": checkout / "templates/portal",
        "portal_plugin/static/portal": checkout / "static/portal",
    }
    expected = {f"{place}/{name}" for place, folder in sources.items() for name in files_below(folder)}

    assert {name for name in shipped if ".dist-info/" not in name} == expected


def test_the_sdist_leaves_the_example_at_home(sdist):
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if "/example" in name]


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable", "plain checkout"])
def test_a_host_finds_the_files_of_the_portal_however_it_was_installed(kind, checkout, request, tmp_path):
    if kind == "plain checkout":
        installed = checkout
    else:
        installed = tmp_path / "installed"
        what = ("--editable", checkout) if kind == "editable" else (request.getfixturevalue(kind),)
        run(*PIP_INSTALL, "--target", installed, *what)

    # -S and a bare path to the libraries keep out an editable install of the portal in this environment.
    path = os.pathsep.join([str(installed), sysconfig.get_path("purelib")])
    probe = (sys.executable, "-S", "-c", PROBE, installed)
    seen = json.loads(run(*probe, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}))

    home = checkout if kind == "editable" else installed
    assert Path(seen["package"]) == home / "portal_plugin"
    assert Path(seen["page"]).is_relative_to(home)
    assert (Path(seen["static"]) / "vendor/htmx.min.js").is_file()
    assert list(Path(seen["migrations"]).glob("0001*.py"))


def test_the_vendored_htmx_is_the_one_its_notice_names():
    vendor = ROOT / "static/portal/vendor"

    assert hashlib.sha256((vendor / "htmx.min.js").read_bytes()).hexdigest() == HTMX_SHA256
    assert HTMX_SHA256 in (vendor / "NOTICE.md").read_text(encoding="utf-8")
