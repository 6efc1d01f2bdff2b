"""Tracking by MLflow. No code outside of this folder and of champions/ imports MLflow."""
