"""Whatever a driver does, wherever it does it: the run ends, and every case has a verdict.

python -m tests.survival            # the whole table
python -m tests.survival segfault   # the rows of one fault
"""
