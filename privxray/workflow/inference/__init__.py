"""Encrypted inference over a workspace.

``offer`` and ``answer`` are the model owner's commands, ``ask`` and ``read_answer`` the hospital's. Both
sides share ``trust`` (whose keys were confirmed), ``kept_offers`` and ``fingerprints``. ``global_model`` and
``admitted_query`` serve the owner, ``hospital_secrets`` and ``chosen_offer`` the hospital.

tests/unit/test_workflow_inference.py tries what is shared, and tests/cli/test_infer*.py the four commands.
"""
