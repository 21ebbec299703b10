"""How fast; collected only when named, and never a verdict."""
