"""What features are called."""

from __future__ import annotations

from restock.errors import ConfigError, nearest
from restock.types.features import FeatureState

FLAGS = ("known", "in_stock")  # past features that are not standardised


def input_names(state: FeatureState) -> dict[str, tuple[str, ...]]:
    """Name the columns of the arrays of a :class:`FeaturePanel`, by array, in order."""
    return {
        "past": (*state.past_mean, *FLAGS),
        "future": tuple(state.future_mean),
        "static_codes": tuple(map(static_name, state.vocabularies)),
        "static_numbers": tuple(map(static_name, state.static_mean)),
    }


def optional_features(state: FeatureState) -> list[str]:
    """Return the features that ``features.leave_out`` may name: all but the flags."""
    named = input_names(state)
    return [name for names in named.values() for name in names if name not in FLAGS]


def static_name(column: str) -> str:
    """Return what the feature of a static column is called."""
    return f"static {column}"


def check_left_out(left_out: tuple[str, ...], known: list[str]) -> None:
    """Refuse to leave out a feature that does not exist.

    Raises:
        ConfigError: Naming the nearest that does.
    """
    for name in left_out:
        if name not in known:
            raise ConfigError(f"features.leave_out: no feature {name!r}. {nearest(name, known)}")
