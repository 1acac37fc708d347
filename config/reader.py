"""For whom a page is written: their language, the time zone and the customs of their
account.
"""

from contextlib import ExitStack

from django.utils import timezone, translation

from config.templatetags import formats


class ReaderMiddleware:
    """Words in the language a person chose, else as their browser asks; days and moments
    in the account's time zone, numbers by its country's customs.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        account = getattr(request.user, "account", None)
        language = getattr(request.user, "language", "")
        with ExitStack() as reading:
            if language:
                reading.enter_context(translation.override(language))
            if account:
                reading.enter_context(timezone.override(account.timezone))
                reading.enter_context(formats.customs(account.locale))
            response = self.get_response(request)
            response.headers["Content-Language"] = translation.get_language()
            return response
