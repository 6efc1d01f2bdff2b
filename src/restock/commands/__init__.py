"""Commands with side effects: what DVC must not cache."""
