"""The conformance cases, one folder an area; file = slot or object, test = outcome."""
