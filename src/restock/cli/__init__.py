"""The command line: the only room that knows Hydra, and the only one that prints."""
