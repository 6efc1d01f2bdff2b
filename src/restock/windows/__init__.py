"""Arrays in the shape a network reads."""
