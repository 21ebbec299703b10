"""What benchmarks of work measure, and the table that they end with."""
