"""What crosses the seams between rooms."""
