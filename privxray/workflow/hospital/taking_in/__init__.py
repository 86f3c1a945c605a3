"""What a party does with a file of its coordinator: it follows a plan, and takes in a model or a summary."""
