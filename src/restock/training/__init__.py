"""From settings, a panel and its folds to a bundle."""
