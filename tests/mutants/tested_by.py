"""Which tests are to notice a change in a module.

The first of each list are the module's own tests, and run by themselves (``OWN`` in run.py). Most changes are
noticed there. The quick ones come next, and the slow ones last.
"""

from __future__ import annotations

_EXCHANGE = (
    "tests/unit/test_exchange_refusals.py",
    "tests/unit/test_exchange_sizes.py",
    "tests/unit/test_exchange_repeats.py",
    "tests/unit/test_exchange_heads.py",
    "tests/unit/test_formats_features.py",
    "tests/unit/test_formats_stream.py",
    "tests/unit/test_exchange_plan.py",
    "tests/unit/test_exchange_intake.py",
    "tests/unit/test_formats_tensors.py",
    "tests/unit/test_exchange_dealing.py",
    "tests/unit/test_keys_keyfile.py",
    "tests/unit/test_keys_sealed_body.py",
    "tests/unit/test_exchange_differencing.py",
    "tests/unit/test_formats_limits.py",
    "tests/unit/test_exchange_shamir.py",
    "tests/unit/test_exchange_commitments.py",
    "tests/unit/test_exchange_mask.py",
    "tests/unit/test_vectors_keyholders.py",
    "tests/unit/test_vectors_format2.py",
    "tests/unit/test_exchange_committee.py",
    "tests/unit/test_formats_container.py",
    "tests/attacks/test_masks_and_plans.py",
    "tests/unit/test_vectors.py",
    "tests/unit/test_exchange_cohort.py",
    "tests/attacks/test_altered_files.py",
    "tests/attacks/test_false_proofs.py",
    "tests/unit/test_exchange_sums.py",
    "tests/unit/test_keys.py",
    "tests/attacks/test_keyholders_played_off.py",
)
_COMMITMENTS = (
    "tests/unit/test_exchange_commitments.py",
    "tests/attacks/test_bounds_broken.py",
    "tests/attacks/test_false_proofs.py",
    "tests/unit/test_vectors_format2.py",
    *_EXCHANGE,
)
_BOUNDS = (
    "tests/unit/test_exchange_bounds.py",
    "tests/attacks/test_bounds_broken.py",
    "tests/unit/test_vectors_format2.py",
)
_SIZES = ("tests/unit/test_exchange_sizes.py", *_EXCHANGE)
_REPEATS = (
    "tests/unit/test_exchange_repeats.py",
    "tests/attacks/test_repeats_played_off.py",
    *_EXCHANGE,
)
_HEADS = ("tests/unit/test_exchange_heads.py", *_EXCHANGE)
_ACCOUNTING = (
    "tests/unit/test_privacy_guarantee.py",
    "tests/unit/test_privacy_events.py",
    "tests/unit/test_privacy_accountant.py",
    "tests/unit/test_privacy_adaptive_filter.py",
)
_INFERENCE_COMMANDS = (
    "tests/unit/test_workflow_inference.py",
    "tests/cli/test_infer_refused_owner.py",
    "tests/cli/test_infer_refused_hospital.py",
    "tests/cli/test_infer.py",
)
_ASKING = (
    "tests/unit/test_workflow_inference.py",
    "tests/cli/test_infer_refused_hospital.py",
    *_INFERENCE_COMMANDS,
)
_MODEL_EXPORT = ("tests/unit/test_workflow_export_model.py", "tests/cli/test_model_export.py")
_LEDGER_COMMANDS = (
    "tests/unit/test_workflow_ledger.py",
    "tests/unit/test_workflow_reservation.py",
    "tests/cli/test_ledger.py",
)
_INFERENCE = (
    "tests/unit/test_inference_admit.py",
    "tests/unit/test_inference_wire.py",
    "tests/unit/test_vectors_inference.py",
    "tests/unit/test_inference_scheme.py",
    "tests/unit/test_inference_sandbox.py",
    "tests/attacks/test_inference_leak.py",
)

_SUCCESSION = ("tests/unit/test_succession.py", "tests/unit/test_vectors_format2.py")
_HYBRID = ("tests/unit/test_exchange_hybrid.py", "tests/unit/test_vectors_format2.py")

# The longest beginning that fits a module's path decides.
TESTED_BY: dict[str, tuple[str, ...]] = {
    "privxray/formats/": ("tests/unit/test_formats_container.py", *_EXCHANGE),
    "privxray/formats/extractor_file.py": (
        "tests/unit/test_formats_extractor_file.py",
        "tests/unit/test_vectors_format2.py",
        "tests/unit/test_extractor_files.py",
    ),
    "privxray/formats/features.py": ("tests/unit/test_formats_features.py", *_EXCHANGE),
    "privxray/formats/header.py": ("tests/unit/test_formats_limits.py", *_EXCHANGE),
    "privxray/formats/stream.py": ("tests/unit/test_formats_stream.py", *_EXCHANGE),
    "privxray/formats/tensors.py": ("tests/unit/test_formats_tensors.py", *_EXCHANGE),
    "privxray/keys/": ("tests/unit/test_exchange_refusals.py", "tests/unit/test_keys.py", *_EXCHANGE),
    "privxray/keys/encapsulation_statement.py": _HYBRID,
    "privxray/keys/hpke_info.py": ("tests/unit/test_keys_sealed_body.py", *_EXCHANGE),
    "privxray/keys/keyfile.py": ("tests/unit/test_keys_keyfile.py", *_EXCHANGE),
    "privxray/keys/revocation.py": ("tests/unit/test_vectors_format2.py", *_EXCHANGE),
    "privxray/keys/sealed_body.py": ("tests/unit/test_keys_sealed_body.py", *_EXCHANGE),
    "privxray/keys/brackets.py": _SIZES,
    "privxray/keys/size_statement.py": _SIZES,
    "privxray/keys/succession/": _SUCCESSION,
    "privxray/exchange/": _EXCHANGE,
    "privxray/exchange/bounds/": _BOUNDS,
    "privxray/exchange/messages/plan_bounds.py": _BOUNDS,
    "privxray/exchange/admission/admit_agreement.py": _HYBRID,
    "privxray/exchange/admission/admit_heads.py": _HEADS,
    "privxray/exchange/admission/admit_hybrid.py": _HYBRID,
    "privxray/exchange/admission/admit_proof.py": _COMMITMENTS,
    "privxray/exchange/admission/repeating/admit_consents.py": _REPEATS,
    "privxray/exchange/admission/repeating/admit_faulty.py": _REPEATS,
    "privxray/exchange/admission/repeating/admit_repeat.py": _REPEATS,
    "privxray/exchange/admission/repeating/repeat_chain.py": _REPEATS,
    "privxray/exchange/admission/repeat_form.py": _REPEATS,
    "privxray/exchange/admission/cohort.py": ("tests/unit/test_exchange_cohort.py", *_EXCHANGE),
    "privxray/exchange/admission/admit_election.py": _SUCCESSION,
    "privxray/exchange/admission/admit_succession.py": _SUCCESSION,
    "privxray/exchange/commitments/": _COMMITMENTS,
    "privxray/exchange/intake.py": ("tests/unit/test_exchange_intake.py", *_EXCHANGE),
    "privxray/exchange/masking/": ("tests/unit/test_exchange_mask.py", *_EXCHANGE),
    "privxray/exchange/masking/agreed_secrets.py": _HYBRID,
    "privxray/exchange/masking/summing.py": (
        "tests/unit/test_exchange_mask.py",
        "tests/unit/test_exchange_sums.py",
        *_EXCHANGE,
    ),
    "privxray/exchange/messages/agreement.py": _HYBRID,
    "privxray/exchange/messages/heads.py": _HEADS,
    "privxray/exchange/messages/plan_hybrid.py": _HYBRID,
    "privxray/exchange/messages/plan_sizes.py": _SIZES,
    "privxray/exchange/messages/proof.py": _COMMITMENTS,
    "privxray/exchange/messages/repeats.py": _REPEATS,
    "privxray/exchange/messages/successors.py": _SUCCESSION,
    "privxray/exchange/opening.py": ("tests/unit/test_exchange_sums.py", *_EXCHANGE),
    "privxray/exchange/opening_committed.py": _COMMITMENTS,
    "privxray/exchange/sharing/": ("tests/unit/test_exchange_dealing.py", *_EXCHANGE),
    "privxray/exchange/sharing/committee.py": ("tests/unit/test_exchange_committee.py", *_EXCHANGE),
    "privxray/exchange/sharing/shamir.py": ("tests/unit/test_exchange_shamir.py", *_EXCHANGE),
    "privxray/inference/": _INFERENCE,
    "privxray/inference/sandbox.py": ("tests/unit/test_inference_sandbox.py", *_INFERENCE),
    "privxray/inference/drawn.py": ("tests/unit/test_inference_scheme.py", *_INFERENCE),
    "privxray/inference/ring.py": ("tests/unit/test_inference_ring.py", *_INFERENCE),
    "privxray/inference/hospital_side.py": ("tests/unit/test_inference_scheme.py", *_INFERENCE),
    "privxray/inference/owner_side.py": ("tests/unit/test_inference_scheme.py", *_INFERENCE),
    "privxray/workflow/inference/": _INFERENCE_COMMANDS,
    "privxray/workflow/inference/ask.py": _ASKING,
    "privxray/workflow/inference/export_model.py": _MODEL_EXPORT,
    "privxray/workflow/inference/model_card.py": _MODEL_EXPORT,
    "privxray/workflow/inference/read_answer.py": _ASKING,
    "privxray/privacy/": (*_ACCOUNTING, "tests/unit/test_privacy_ledger.py"),
    "privxray/privacy/adaptive_filter.py": (
        "tests/unit/test_privacy_adaptive_filter.py",
        "tests/unit/test_privacy_affordable.py",
    ),
    "privxray/privacy/affordable.py": (
        "tests/unit/test_privacy_affordable.py",
        "tests/unit/test_privacy_adaptive_filter.py",
    ),
    "privxray/privacy/loss_distributions.py": (
        "tests/unit/test_privacy_loss_distributions.py",
        "tests/unit/test_privacy_accountant.py",
    ),
    "privxray/privacy/ledger": (
        "tests/unit/test_privacy_ledger.py",
        "tests/unit/test_durability.py",
        "tests/unit/test_workflow_reservation.py",
        "tests/unit/test_privacy_adaptive_filter.py",
    ),
    "privxray/privacy/clipping.py": (
        "tests/unit/test_privacy_clipping.py",
        "tests/unit/test_learning_sensitivity.py",
    ),
    "privxray/privacy/mechanism.py": ("tests/unit/test_privacy_mechanism.py",),
    "privxray/privacy/noise.py": ("tests/unit/test_privacy_noise.py",),
    "privxray/privacy/sampling.py": (
        "tests/unit/test_privacy_noise.py",
        "tests/unit/test_privacy_affordable.py",
    ),
    "privxray/workflow/ledger/": _LEDGER_COMMANDS,
    "privxray/workflow/hospital/local_training/reserve_budget.py": _LEDGER_COMMANDS,
    "privxray/workflow/ledger/budget.py": ("tests/cli/test_budget.py", "tests/cli/test_sizes.py"),
    "privxray/workflow/ledger/past_exports.py": ("tests/cli/test_ledger.py", "tests/cli/test_doctor.py"),
    "privxray/privacy/releases.py": (
        "tests/unit/test_privacy_releases.py",
        "tests/unit/test_learning_linear_probe.py",
    ),
    "privxray/learning/linear_probe/": (
        "tests/unit/test_learning_linear_probe.py",
        "tests/unit/test_learning_sensitivity.py",
    ),
    "privxray/learning/dp_sgd/": (
        "tests/unit/test_learning_independence.py",
        "tests/unit/test_learning_dp_sgd.py",
        "tests/unit/test_learning_sensitivity.py",
        "tests/unit/test_learning_patients.py",
    ),
    "privxray/learning/dp_sgd/averaged_weights.py": (
        "tests/unit/test_learning_averaged_weights.py",
        "tests/unit/test_learning_lite_head.py",
    ),
    "privxray/learning/dp_sgd/network_inputs.py": (
        "tests/unit/test_learning_lite_head.py",
        "tests/unit/test_learning_dp_sgd.py",
    ),
}


def tests_for(module: str) -> tuple[str, ...]:
    """The test files that are to notice a change in this module, each once, in running order."""
    fitting = [start for start in TESTED_BY if module.startswith(start)]
    return tuple(dict.fromkeys(TESTED_BY[max(fitting, key=len)])) if fitting else ()
