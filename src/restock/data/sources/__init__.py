"""Where raw tables come from: one module a kind of source."""
