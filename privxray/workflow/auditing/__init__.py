"""Audits: of the engine on invented or public patients, and on own ones."""
