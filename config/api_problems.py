"""Which clause of the terms a refusal's code stands for, and its HTTP status.

Codes that are not here are a 422 without a clause.
"""

CLAUSES = {
    "add_on": "T5",
    "answered": "T9",
    "base_plan": "T16",
    "currency": "T17",
    "effect_changed": "T7",
    "ending": "T12",
    "foreign_plan": "T11",
    "in_use": "T13",
    "inactive": "T3",
    "installed": "T9",
    "installed_plan": "T12",
    "joining": "T6",
    "limit": "T6",
    "no_authority": "T7",
    "no_contract": "T1",
    "no_users": "T3",
    "needs_approval": "T7",
    "not_active": "T16",
    "not_add_ons": "T12",
    "no_drift": "T9",
    "not_contracted": "T16",
    "not_ending": "T12",
    "not_installed": "T9",
    "not_listed": "T15",
    "not_lower": "T13",
    "not_queued": "T6",
    "not_renewing": "T13",
    "not_running": "T16",
    "not_signed": "T14",
    "on_request": "T11",
    "over_quantity": "T16",
    "replaced": "T11",
    "same_plan": "T11",
    "settled": "T13",
    "terms_not_accepted": "T7",
    "undecided": "T12",
    "used": "T14",
}

STATUSES = {
    "acknowledged": 409,
    "answered": 409,
    "approved_already": 409,
    "changed": 409,
    "decided": 409,
    "effect_changed": 409,
    "in_progress": 409,
    "installed": 409,
    "no_key": 400,
    "stale": 409,
}

ROWS = {
    "unknown": "Nobody of the account is meant by this.",
    "duplicate": "Somebody named twice.",
    "inactive": "Deactivated: cannot get a seat.",
    "has_seat": "Has a seat already.",
    "no_seat": "Has no seat.",
}
"""What a row of a list is refused for."""
