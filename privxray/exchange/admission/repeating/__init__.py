"""The rules between a plan that repeats a failed round and the plans that it repeats.

``admit_repeat`` judges the plan, ``repeat_chain`` all plans that repeat one another, ``admit_consents`` the
waivers and refusals in them, and ``admit_faulty`` the updates that they show to be wrong.
"""
