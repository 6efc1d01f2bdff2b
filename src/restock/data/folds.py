"""Cut a panel into tuning and test folds. Only positions matter, never values of demand."""

from __future__ import annotations

import numpy as np

from restock.errors import DataError
from restock.settings.folds import Align, FoldSettings
from restock.types.folds import Fold, Folds
from restock.types.panel import DemandPanel, IntArray

# A series needs at least this many periods up to an origin to learn a forecast from.
MIN_HISTORY = 2
ORIGINS = 4  # of a tuning fold, at most
FORECASTS = 8_000  # series times origins of a tuning fold: more series have fewer origins
TAKEN = 0.25  # share of the history that tuning folds of whole horizons may take


def make_folds(panel: DemandPanel, settings: FoldSettings) -> Folds:
    """Place test origins at the end of the history and tuning folds before them.

    ::

        |........ history ........|tune 1|tune 2|test 1|test 2|test 3|
                                  ^ every tuning target is at or before the first test origin

    A tuning fold forecasts from up to :data:`ORIGINS` origins, a part of a horizon apart, so that
    its losses do not hang on a single date. Where a second whole horizon would take too much of the
    history, the later folds are short: they judge only the early steps, and the one whole horizon
    before the test judges all.

    The last test origin is exactly ``horizon`` periods before the end; origins are ``stride``
    periods apart. With ``align: series_end`` each series counts from its own last observation.

    Args:
        panel: N series with T periods of history.
        settings: Horizon, number of folds, stride and alignment.

    Returns:
        The test fold and the tuning folds. Positions are -1 for series that are too short. If the
        history is too short, there are fewer tuning folds, or none; ``notes`` say so.

    Raises:
        DataError: If the test does not fit into the history of any series, or if derived static
            columns were made from periods after an origin.
    """
    ends = _ends(panel, settings.align)
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
    test = Fold("test", np.where(usable, first, -1), np.where(usable, test_origins, -1), ends)
    tuning = _tuning_folds(first, starts, usable, settings)
    _check_static(panel, [*tuning, test])
    short = tuple(str(name) for name in panel.series_id[~usable])
    return Folds(settings.horizon, tuple(tuning), test, _notes(short, len(tuning), settings), short)


def _check_static(panel: DemandPanel, folds: list[Fold]) -> None:
    """Refuse origins before a period that a series' derived static columns were made from."""
    if panel.static_until is None:
        return
    for fold in folds:
        knew = (fold.train_end >= 0) & (fold.train_end < panel.static_until)
        if knew.any():
            raise DataError(
                f"series {panel.series_id[knew][0]!r}: its derived static columns were made for "
                "other folds and use periods after one of these origins "
                f"({int(knew.sum())} such series). Run `restock prepare` again with these folds."
            )


def earliest_origins(panel: DemandPanel, settings: FoldSettings) -> IntArray:
    """Return the earliest origin of each series over all folds.

    Returns:
        Positions; the last known position for a series that is in no fold. Shape ``(N,)``.
    """
    folds = make_folds(panel, settings)
    origins = np.stack([fold.train_end for fold in (*folds.tuning, folds.test)])
    never = _ends(panel, settings.align)
    return np.where(origins >= 0, origins, never).min(axis=0)


def latest_origins(panel: DemandPanel, align: Align) -> IntArray:
    """Return the origin of the forecast of the future, per series. Shape ``(N,)``."""
    return _ends(panel, align)


def _ends(panel: DemandPanel, align: Align) -> IntArray:
    if align == "series_end":
        return np.where(panel.last_index >= 0, panel.last_index, panel.num_steps - 1)
    return np.full(panel.num_series, panel.num_steps - 1)


def _tuning_folds(
    first_test: IntArray, starts: IntArray, usable: np.ndarray, settings: FoldSettings
) -> list[Fold]:
    """Place tuning folds before the test, oldest first."""
    horizon, folds = settings.horizon, []
    gap = max(horizon // ORIGINS, 1)
    most = min(max(FORECASTS // len(starts), 1), ORIGINS)
    for before in _distances(first_test - starts + 1, usable, settings):
        end = first_test - before
        # A fold needs a full horizon of training targets, or no network can be trained for it.
        fits = usable & (end - starts + 1 >= MIN_HISTORY + horizon)
        if fits.any():
            later = np.arange(min(most, -(-before // gap))) * gap
            end = np.where(fits, end, -1)
            origins = np.where(fits, end + later[:, None], -1)
            folds.append(Fold("tune", end, origins, first_test))
    return folds


def _distances(lengths: IntArray, usable: np.ndarray, settings: FoldSettings) -> list[int]:
    """Return how many periods before the test the training of each tuning fold ends, falling.

    Args:
        lengths: Periods of each series up to the first test origin. Shape ``(N,)``.
        usable: Series that can be tested. Shape ``(N,)``.
        settings: Horizon and number of tuning folds.
    """
    horizon, count = settings.horizon, settings.num_tuning_folds
    if count * horizon <= TAKEN * float(np.median(lengths[usable])):
        return [number * horizon for number in range(count, 0, -1)]
    short = {round(horizon * number / (2 * count)) for number in range(1, count)}
    return [horizon, *sorted(short - {0, horizon}, reverse=True)]


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
