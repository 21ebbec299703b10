"""From results to what people look at: the matrix of requirements and drivers."""
