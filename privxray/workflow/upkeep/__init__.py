"""Looking at a workspace without changing it: status, inspect, doctor."""
