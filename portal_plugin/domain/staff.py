"""Who decides for the practice, as the host knows them."""

from dataclasses import dataclass, field

from .text import clean_line


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who may use the review page. `id` is the host's own; `name` stands in the history of what they did."""

    id: str
    name: str = field(repr=False)

    def __post_init__(self) -> None:
        for each in ("id", "name"):
            object.__setattr__(self, each, clean_line(str(getattr(self, each) or "")))
        if not self.id:
            raise ValueError("a Staff needs an id: the host's own, which never changes")
