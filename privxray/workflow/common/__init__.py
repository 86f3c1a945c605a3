"""What the steps of several parties share: a session in a workspace, making one, and keys for one round."""
