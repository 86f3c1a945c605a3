"""The coordinator's steps: plan, collect, request and aggregate."""
