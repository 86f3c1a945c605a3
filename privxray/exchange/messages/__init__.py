"""The travelling files of a round: plan, update, request, share and global model."""
