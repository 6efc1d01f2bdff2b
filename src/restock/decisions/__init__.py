"""From forecast distributions to order quantities."""
