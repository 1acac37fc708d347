"""Nobody who must have a second factor goes further without one."""

from allauth.account.authentication import get_authentication_records
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode

from accounts import second_factors

SET_UP = "mfa_index"
# What leads there, and out again.
OPEN = {
    SET_UP,
    *("mfa_activate_totp", "mfa_add_webauthn", "usersessions_list"),
    *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
    *("login", "logout", "password_change", "account_set_password"),
    *("accounts:end-session",),
}
ENOUGH = {"mfa", "socialaccount"}
"""A second factor, or the company's own sign-in, which asks for its own."""


class SecondFactorMiddleware:
    """Lead whoever must have a second factor, and has none, to set one up."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.user.is_authenticated or not _is_missing(request):
            return self.get_response(request)
        if _name(request) in OPEN:
            return self.get_response(request)
        address = reverse(SET_UP)
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Redirect": address})
        if request.method == "GET":
            address += "?" + urlencode({"next": request.get_full_path()})
        return redirect(address)


def _is_missing(request) -> bool:
    if not second_factors.is_required(request.user):
        return False
    records = get_authentication_records(request, request.user)
    used = {one.get("method") for one in records}
    return not used & ENOUGH and not second_factors.has_one(request.user)


def _name(request) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
