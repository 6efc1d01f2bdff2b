"""The mean of a forecast, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from restock.types.forecast import DemandForecast


def forecast(quantiles: np.ndarray, levels: list[float]) -> DemandForecast:
    num_series, horizon, _ = quantiles.shape
    grid = np.asarray(pd.date_range("2020-01-05", periods=horizon + 1, freq="W-SUN").as_unit("s"))
    return DemandForecast(
        series_id=np.array([f"S{i}" for i in range(num_series)], dtype=object),
        origin=np.repeat(grid[:1], num_series),
        timestamps=np.tile(grid[1:], (num_series, 1)),
        point=quantiles[:, :, 0],
        levels=np.array(levels),
        quantiles=quantiles,
        cumulative=quantiles,
    )


def test_the_mean_is_the_area_under_the_quantiles() -> None:
    made = forecast(np.array([[[2.0, 4.0, 10.0]]]), [0.1, 0.5, 0.9])
    # 0.1 x 2 (held) + 0.4 x 3 + 0.4 x 7 + 0.1 x 10 (held)
    assert made.mean[0, 0] == pytest.approx(0.2 + 1.2 + 2.8 + 1.0)


def test_the_mean_of_a_symmetric_forecast_is_its_median() -> None:
    made = forecast(np.array([[[1.0, 5.0, 9.0]]]), [0.2, 0.5, 0.8])
    assert made.mean[0, 0] == pytest.approx(5.0)


def test_a_written_forecast_reads_back_with_its_mean() -> None:
    made = forecast(np.array([[[1.0, 5.0, 8.0]], [[0.0, 0.0, 2.0]]]), [0.2, 0.5, 0.8])
    again = DemandForecast.from_table(made.table(), "units")
    np.testing.assert_array_equal(again.mean, made.mean)
    np.testing.assert_array_equal(made.table()["mean"], made.mean.ravel())
