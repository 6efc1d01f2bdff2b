"""MLflow, and nothing else imports it."""
