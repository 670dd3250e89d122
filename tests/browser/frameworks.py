"""The stylesheets that a host's pages often stand on, as npm has them."""

import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tarfile import open as open_tar
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from tests.support import require

REGISTRY = "https://registry.npmjs.org"


class Framework(NamedTuple):
    """`digest` is the SHA-256 of the package as published, `file` the stylesheet inside."""

    package: str
    digest: str
    file: str


FRAMEWORKS = {
    "Bootstrap": Framework(
        "bootstrap/-/bootstrap-5.3.8.tgz",
        "8b02d4a7482e0f0a2b1da58f1c9c86830e96cc2f77f094f89e4681b19886bc38",
        "dist/css/bootstrap.min.css",
    ),
    "Pico": Framework(
        "@picocss/pico/-/pico-2.1.1.tgz",
        "4affbb56f49df6d5325610b06762156f1dcdbc6ef57cea5c136d7e8a00a8cd24",
        "css/pico.min.css",
    ),
    # Alone, and not in the layer that Tailwind 4 puts it into: as Tailwind 3 did, and the harder case.
    "Tailwind's preflight": Framework(
        "tailwindcss/-/tailwindcss-4.1.17.tgz",
        "a982aca547e9fd562835b7a4fd9eaa8010198efbe115d9aa5a27b5f0e5275552",
        "preflight.css",
    ),
}


def stylesheet(name: str, folder: Path) -> str:
    """The framework's own, fetched once into the folder. Skips the test where npm cannot be reached."""
    framework = FRAMEWORKS[name]
    kept = folder / f"{framework.digest}.css"
    if not kept.exists():
        with open_tar(fileobj=BytesIO(_package(framework))) as package:
            file = package.extractfile(f"package/{framework.file}")
            assert file is not None
            half = kept.with_suffix(f".{id(package)}")
            half.write_bytes(file.read())
        half.rename(kept)
    # The test site's policy allows no pictures that stand in a stylesheet.
    return re.sub(r"""url\((["']?)data:.*?\1\)""", "none", kept.read_text())


def _package(framework: Framework) -> bytes:
    try:
        with urlopen(f"{REGISTRY}/{framework.package}", timeout=30) as answer:
            package: bytes = answer.read()
    except URLError:
        require("network", False, f"{REGISTRY} has the stylesheets of other frameworks")
        raise
    assert sha256(package).hexdigest() == framework.digest, framework.package
    return package
