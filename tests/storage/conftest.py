"""The one lasting PostgreSQL database that the tests of services/ use too."""

from tests.services.conftest import database_url, elsewhere, lasting_postgres, own_schema

__all__ = ["database_url", "elsewhere", "lasting_postgres", "own_schema"]
