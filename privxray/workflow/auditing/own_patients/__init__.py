"""Audits on a hospital's own patients: charged like a training, and kept inside.

Such an audit draws noise on real patients, and people read its outcome. So it is charged with the events of a
training of the same epsilon before the first draw. An interrupted audit goes on where it stopped and does not
pay twice. Its report stays in the workspace. In the ledger all audits are one study under a name that no
study can have. They count towards the hospital's lifetime limit, and towards nothing that is exported.

``audits/one-run.running`` holds an audit that is not finished: its ``terms``, what was planted, and the
answers so far, encrypted under a key in ``state.db`` (``running_audit``). A finished audit leaves only its
report. Tested in tests/cli/test_audit.py.
"""
