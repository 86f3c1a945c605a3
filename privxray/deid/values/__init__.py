"""What a value looks like, whatever attribute holds it."""
