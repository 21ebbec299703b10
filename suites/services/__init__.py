"""Services of a device beside its work: configuration, and memory given back."""
