"""PostgreSQL, whose driver a site on SQLite need not have: imported only where an address names it."""

from typing import Any

from peewee import DatabaseError
from playhouse.postgres_ext import PooledPsycopg3Database
from psycopg import Error


class PostgresDatabase(PooledPsycopg3Database):  # type: ignore[misc]
    """One whose errors repeat no row: the server's DETAIL names all its values, and errors end up in logs."""

    def execute_sql(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_sql(*args, **options)
        except DatabaseError as error:
            _shorten(error)
            raise


def _shorten(error: BaseException) -> None:
    """Leave the server's first sentence, in the error and in those that it was made of."""
    told: BaseException | None = error
    while told is not None:
        if isinstance(told, Error) and (first := told.diag.message_primary):
            told.args = (first,)
        elif isinstance(told, DatabaseError) and told.args:
            told.args = (str(told.args[0]).partition("\nDETAIL:")[0],)
        told = told.__cause__ or told.__context__
