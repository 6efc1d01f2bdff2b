"""Benchmarks of the sweep engine."""
