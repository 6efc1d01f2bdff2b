"""From sources to a clean demand panel and its folds."""
