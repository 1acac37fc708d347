"""How often one may ask the API. Apart from its answers, because Django REST framework
reads the throttle while it loads what those are made of.
"""

import math

from rest_framework.throttling import SimpleRateThrottle


class KeyThrottle(SimpleRateThrottle):
    """So many calls a minute for each key, and fewer for who has none, by address."""

    scope = "key"

    def get_rate(self):
        return None

    def allow_request(self, request, view):
        scope = "key" if request.auth else "anonymous"
        self.rate = self.THROTTLE_RATES[scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        allowed = super().allow_request(request, view)
        self._tell(request, allowed)
        return allowed

    def get_cache_key(self, request, view):
        ident = f"key-{request.auth.pk}" if request.auth else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}

    def _tell(self, request, allowed):
        oldest = self.history[-1] if self.history else self.now
        request._request.rate = {
            "quota": self.num_requests,
            "window": self.duration,
            "left": max(0, self.num_requests - len(self.history)) if allowed else 0,
            "reset": max(1, math.ceil(self.duration - (self.now - oldest))),
        }


class RateMiddleware:
    """Tell on every answer of the API how much may still be asked, and from when on."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        rate = getattr(request, "rate", None)
        if rate:
            response["RateLimit-Policy"] = (
                f'"default";q={rate["quota"]};w={rate["window"]}'
            )
            response["RateLimit"] = f'"default";r={rate["left"]};t={rate["reset"]}'
        return response
