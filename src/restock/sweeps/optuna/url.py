"""The URL of the database of a study: checked, and shown without its password."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from restock.errors import ConfigError


def dialect_of(url: str) -> str:
    """Return which kind of database a URL names, such as ``postgresql``.

    Raises:
        ConfigError: If the URL is not valid.
    """
    try:
        return str(sqlalchemy.engine.make_url(url).get_backend_name())
    except SQLAlchemyError as error:
        raise ConfigError(
            f"engine.study_url: {url} is not a database URL, such as "
            f"postgresql://user@host/database ({error})"
        ) from None


def path_of(url: str) -> Path:
    """Return the file of a SQLite database."""
    return Path(str(sqlalchemy.engine.make_url(url).database))


def shown(url: str) -> str:
    """Return the URL without its password."""
    return sqlalchemy.engine.make_url(url).render_as_string(hide_password=True)
