"""Checked settings: one module for each group of conf/. Import only the modules you need.

A stage's dependencies are read from its imports, so that one import of all would hide them.
"""
