"""Tracking: how runs are logged."""
