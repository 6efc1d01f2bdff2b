"""The command line. Only this package knows Hydra, and only this package prints."""
