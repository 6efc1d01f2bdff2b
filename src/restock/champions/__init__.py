"""Champions: judge a bundle, register and verify it, move the alias, keep the history."""
