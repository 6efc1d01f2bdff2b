"""Everything that imports Optuna."""
