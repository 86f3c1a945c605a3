"""What ``--json`` prints: a pydantic model for every command.

No command needs them to print. They state what the keys are and what may stand in them: ``privxray help
--schema COMMAND`` and docs/schemas give them as JSON schemas. Tests hold what commands print against them:
tests/cli/test_json_models.py.
"""
