"""Forecasts from the origins of tuning folds."""

from __future__ import annotations
