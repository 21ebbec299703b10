"""What keeps what alive, and what is left when it ends."""
