"""Search: our loop, adapters for samplers."""
