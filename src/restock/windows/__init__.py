"""Arrays in the shape that a network reads."""
