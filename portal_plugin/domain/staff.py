"""Who decides for the practice, as the host knows them."""

from dataclasses import dataclass

from .text import clean_line


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who may use the review page. `id` is the host's own; `name` stands in the history of what they did."""

    id: str
    name: str

    def __post_init__(self) -> None:
        for field in ("id", "name"):
            object.__setattr__(self, field, clean_line(str(getattr(self, field) or "")))
        if not self.id:
            raise ValueError("a Staff needs an id: the host's own, which never changes")
