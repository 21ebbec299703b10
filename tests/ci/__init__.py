"""CI that judges drivers: the scripts, the action, the workflows, the examples."""
