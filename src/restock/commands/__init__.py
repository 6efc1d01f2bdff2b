"""Commands that are not stages: one module for each."""
