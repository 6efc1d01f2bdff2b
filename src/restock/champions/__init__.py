"""Who becomes champion: a pure decision."""
