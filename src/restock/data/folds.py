"""Cut a panel into tuning and test folds. Knows positions only, never demand values."""

from __future__ import annotations

import numpy as np

from restock.errors import DataError
from restock.settings.folds import FoldSettings
from restock.types.folds import Fold, Folds
from restock.types.panel import DemandPanel, IntArray

# Fewer periods than this before an origin and there is nothing to learn a forecast from.
MIN_HISTORY = 2


def make_folds(panel: DemandPanel, settings: FoldSettings) -> Folds:
    """Place test origins at the end of the history and tuning folds before them.

    ::

        |........ history ........|tune 1|tune 2|test 1|test 2|test 3|
                                  ^ every tuning target is at or before the first test origin

    The last test origin leaves exactly ``horizon`` periods; origins are ``stride`` apart. With
    ``align: series_end`` each series counts back from its own last observation.

    Raises:
        DataError: If the test folds do not fit into the history, or static columns were made from
            periods after an origin.
    """
    ends = _ends(panel, settings)
    starts = panel.first_seen
    offsets = np.arange(settings.num_folds - 1, -1, -1) * settings.stride
    test_origins = ends[None, :] - settings.horizon - offsets[:, None]
    usable = test_origins[0] - starts + 1 >= MIN_HISTORY
    if not usable.any():
        longest = int((ends - starts + 1).max(initial=0))
        needed = settings.horizon + int(offsets[0]) + MIN_HISTORY
        raise DataError(
            f"the test needs {needed} periods of history (horizon {settings.horizon}, "
            f"{settings.num_folds} fold(s) {settings.stride} apart, {MIN_HISTORY} to learn from), "
            f"but the longest series has {longest}. Lower evaluation.horizon or "
            "evaluation.num_folds."
        )
    first = test_origins[0]
    test = Fold("test", np.where(usable, first, -1), np.where(usable, test_origins, -1))
    tuning = _tuning_folds(first, starts, usable, settings)
    _check_static(panel, [*tuning, test])
    short = tuple(str(name) for name in panel.series_id[~usable])
    return Folds(settings.horizon, tuple(tuning), test, _notes(short, len(tuning), settings), short)


def _check_static(panel: DemandPanel, folds: list[Fold]) -> None:
    """Refuse origins that lie before a period which a series' static columns were made from."""
    if panel.static_until is None:
        return
    for fold in folds:
        knew = (fold.train_end >= 0) & (fold.train_end < panel.static_until)
        if knew.any():
            raise DataError(
                f"series {panel.series_id[knew][0]!r}: its derived static columns were made for "
                f"other folds and know what came after an origin ({int(knew.sum())} such series). "
                "Run `restock prepare` again with this evaluation."
            )


def earliest_origins(panel: DemandPanel, settings: FoldSettings) -> IntArray:
    """Return the first position that each series is ever forecast from in a fold.

    Returns:
        Its last known position where it takes part in none. Shape ``(N,)``.
    """
    folds = make_folds(panel, settings)
    origins = np.stack([fold.train_end for fold in (*folds.tuning, folds.test)])
    never = _ends(panel, settings)
    return np.where(origins >= 0, origins, never).min(axis=0)


def latest_origins(panel: DemandPanel, settings: FoldSettings) -> IntArray:
    """Return where the forecast of the coming horizon starts, per series. Shape ``(N,)``."""
    return _ends(panel, settings)


def _ends(panel: DemandPanel, settings: FoldSettings) -> IntArray:
    if settings.align == "series_end":
        return np.where(panel.last_index >= 0, panel.last_index, panel.num_steps - 1)
    return np.full(panel.num_series, panel.num_steps - 1)


def _tuning_folds(
    first_test: IntArray, starts: IntArray, usable: np.ndarray, settings: FoldSettings
) -> list[Fold]:
    """Walk back from the test in steps of one horizon, so that tuning targets never overlap."""
    folds: list[Fold] = []
    for number in range(1, settings.num_tuning_folds + 1):
        origin = first_test - number * settings.horizon
        # A fold must leave a full horizon of targets to train on, or there is no network to score.
        fits = usable & (origin - starts + 1 >= MIN_HISTORY + settings.horizon)
        if not fits.any():
            break
        origin = np.where(fits, origin, -1)
        folds.insert(0, Fold("tune", origin, origin[None, :]))
    return folds


def _notes(short: tuple[str, ...], num_tuning: int, settings: FoldSettings) -> tuple[str, ...]:
    notes = []
    if num_tuning < settings.num_tuning_folds:
        notes.append(
            f"{num_tuning} tuning fold(s) instead of {settings.num_tuning_folds}: "
            "the history is too short for more without overlap."
        )
    if short:
        shown = ", ".join(short[:5]) + (", ..." if len(short) > 5 else "")
        notes.append(
            f"{len(short)} series are too short to test and are forecast as cold starts: {shown}"
        )
    return tuple(notes)
