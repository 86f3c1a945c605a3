"""The commands for the day when an officer leaves, a laptop is stolen or a disk dies."""
