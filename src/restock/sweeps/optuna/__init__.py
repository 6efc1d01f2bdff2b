"""Optuna, and nothing else imports it."""
