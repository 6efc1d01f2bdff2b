"""Checked settings, one module a group of conf/: import the one you need, so that it is seen."""
