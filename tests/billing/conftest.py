"""How the property tests run: on a busy machine a slow example is no error."""

from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
