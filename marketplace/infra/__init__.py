"""The neighbours: one file for each thing outside the process, each with a local twin for development and tests."""
