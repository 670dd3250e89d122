"""Who decides for the practice is named in the history: by one line each, and never by nothing."""

from typing import Any

import pytest

from portal_plugin import Staff


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("7", "Rosa Delgado"), ("7", "Rosa Delgado")),
        ((7, "Rosa\r\nDelgado"), ("7", "Rosa Delgado")),
        ((" 7\0", None), ("7", "")),
    ],
)
def test_id_and_name_are_a_line_of_text_each(given: tuple[Any, Any], kept: tuple[str, str]) -> None:
    staff = Staff(*given)
    assert (staff.id, staff.name) == kept


@pytest.mark.parametrize("nothing", ["", None, " \r\n"])
def test_a_staff_needs_an_id(nothing: Any) -> None:
    with pytest.raises(ValueError, match=r"^a Staff needs an id: the host's own, which never changes$"):
        Staff(nothing, "Rosa")
