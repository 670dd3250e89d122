"""`flask portal preview`: every message in a folder, to look at."""

import json
from email import message_from_bytes
from pathlib import Path

from tests.support import Host


def test_every_message_is_written_as_text_as_page_and_as_mail(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "messages"
    result = host.app.test_cli_runner().invoke(args=["portal", "preview", str(folder)])
    assert result.exit_code == 0
    assert "confirmed" in result.output
    assert (folder / "confirmed.txt").read_text().startswith("Subject: Confirmed: ")
    assert "Your appointment is confirmed" in (folder / "confirmed.html").read_text()
    assert message_from_bytes((folder / "confirmed.eml").read_bytes())["To"] == "alex@example.org"
    text = (folder / "reminder-text.txt").read_text()
    assert text.startswith("Elm Row Practice: appointment on ")
    assert not (folder / "reminder-text.html").exists()
    assert {file.suffix for file in folder.iterdir()} == {".txt", ".html", ".eml"}


def test_a_program_is_told_what_was_written(host: Host, tmp_path: Path) -> None:
    result = host.app.test_cli_runner().invoke(args=["portal", "preview", str(tmp_path), "--json"])
    names = {item["name"] for item in json.loads(result.stdout)["items"]}
    assert names == {file.stem for file in tmp_path.glob("*.txt")}


def test_a_folder_that_is_none_is_told(host: Host, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    runner = host.app.test_cli_runner()
    assert runner.invoke(args=["portal", "preview", str(tmp_path / "file")]).exit_code == 2
    beneath = runner.invoke(args=["portal", "preview", str(tmp_path / "file" / "x")])
    assert beneath.exit_code not in (0, -1)
    assert "Traceback" not in beneath.output
