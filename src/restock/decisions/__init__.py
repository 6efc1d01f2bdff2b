"""From forecast distributions to what to order."""
