"""Scores, backtests and the choice between models."""
