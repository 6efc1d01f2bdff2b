"""Sweeps: settings frozen at launch, trials queued in a database, workers that may die."""
