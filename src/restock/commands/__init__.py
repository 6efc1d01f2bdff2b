"""What a person types that is no stage: one module a command."""
