"""For whom a page is written: the time zone and the customs of their account."""

from django.utils import timezone

from config.templatetags import formats


class ReaderMiddleware:
    """Days and moments in the account's time zone, numbers by its country's customs."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        account = getattr(request.user, "account", None)
        if account is None:
            return self.get_response(request)
        with timezone.override(account.timezone), formats.customs(account.locale):
            return self.get_response(request)
