"""The names that models have in leaderboards, reports and registries."""

LSTM = "lstm"
BOOSTED_TREES = "boosted_trees"
