"""The commands of encrypted inference, each in the module of its name."""
