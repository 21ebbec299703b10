"""Device groups and their builder: order, failure, membership, release."""
