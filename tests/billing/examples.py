"""How many examples a property is tried with: twenty times as many in `make fuzz`."""

from hypothesis import settings

USUAL = 100

# On a busy machine a slow example is no error.
settings.register_profile("unhurried", max_examples=USUAL, deadline=None)
settings.register_profile("fuzz", max_examples=20 * USUAL, deadline=None)
if settings.get_current_profile_name() != "fuzz":
    settings.load_profile("unhurried")


def about(number: int) -> int:
    """So many in the usual run, and as many times more when fuzzing."""
    return number * settings.default.max_examples // USUAL
