"""The names that models have in leaderboards, reports and registries."""

LSTM = "lstm"  # the network alone
BOOSTED_TREES = "boosted_trees"
MIX = "mix"  # what several models forecast together, by weights learned on the tuning folds
