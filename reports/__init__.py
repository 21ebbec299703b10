"""From results to what people look at.

- One run: `runs` reads it, `matrix` and `terminal` draw it, `summary` and `junit` are for CI.
- One run against another: `diff` and `gate`, and `compare_commands` over them.
- Many runs: `merging` makes a `history` of them, which `page` and `tables` show; `badge` sums up.
- What a run found, taken for what is expected from now on: `accept`.
"""
