"""What this repository's own runs need; the suites themselves need only the plugin."""

pytest_plugins = ["pytester"]
