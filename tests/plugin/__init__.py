"""Tests of the plugin, the probe, the registry, the results, the command line and the reports."""
