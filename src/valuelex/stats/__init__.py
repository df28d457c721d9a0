"""Arrays in, arrays out. No word of the domain."""
