"""Features: fitted on training rows, applied to any."""
