"""Pages on the people of the signed-in person's account, and on their authority."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.i18n import set_language

from accounts import (
    api_keys,
    authority,
    clock,
    mails,
    people,
    roles,
    second_factors,
    terms,
)
from accounts.forms import (
    ChosenPeopleForm,
    DetailsForm,
    PeopleFilterForm,
    PermissionsForm,
    PersonForm,
    PersonRolesForm,
    RoleNameForm,
)
from accounts.models import TermsAcceptance, User
from journal import activities
from journal.models import Activity

ON_A_PAGE = 25
IN_A_PICKER = 50


@require_GET
@authority.required(authority.MANAGE_ROLES)
def people_list(request):
    """Everybody of the account: searched, filtered, a page at a time."""
    account = request.user.account
    form = PeopleFilterForm(request.GET, roles=account.roles.order_by("name"))
    found = form.found(account.users.order_by("display_name", "id"))
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = page.object_list.prefetch_related("groups__role")
    return render(request, "accounts/people.html", {"form": form, "page": page})


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def add_person(request):
    """Add somebody and send them the link to set a password."""
    account = request.user.account
    form = PersonForm(request.POST or None, account=account)
    if form.is_valid():
        asked = form.cleaned_data
        asked["in_roles"] = asked.pop("roles")
        try:
            with transaction.atomic():
                user = people.create(account, **asked, by=request.user, on=_on(request))
                people.invited(user, by=request.user, on=_on(request), at=clock.now())
                mails.invitation(user, by=request.user)
        except ValidationError as refusal:
            taken = getattr(refusal, "code", None) == "email_taken"
            form.add_error("email" if taken else None, refusal)
        else:
            messages.success(
                request,
                _(
                    "%(name)s is added. A link to set a password is on its way to %(to)s."
                )
                % {"name": user.display_name, "to": user.email},
            )
            return redirect("accounts:person", user.pk)
    choices = _choices(account, chosen=form["roles"].value())
    return _form(request, "accounts/add_person.html", form, roles=choices)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def person(request, pk):
    """One person: details, roles, what they may do, and by another room their seats."""
    user = _person(request, pk)
    form = DetailsForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        people.change(user, **form.cleaned_data, by=request.user, on=_on(request))
        messages.success(request, _("The details are saved."))
        return redirect("accounts:person", pk)
    return _person_page(request, user, form=form)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def person_roles(request, pk):
    """Put one person into exactly the ticked roles."""
    user = _person(request, pk)
    form = PersonRolesForm(request.POST, account=request.user.account)
    if form.is_valid():
        chosen = form.cleaned_data["roles"]
        try:
            roles.assign(user, chosen, by=request.user, on=_on(request))
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("The roles are saved."))
            return redirect("accounts:person", pk)
    return _person_page(request, user, roles_form=form)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def invite_person(request, pk):
    """Send the link to set a password, again."""
    user = _person(request, pk)
    if user.is_active:
        with transaction.atomic():
            people.invited(user, by=request.user, on=_on(request), at=clock.now())
            mails.invitation(user, by=request.user)
        messages.success(
            request,
            _("A link to set a password is on its way to %(to)s.") % {"to": user.email},
        )
    else:
        messages.error(request, _("Reactivate this person first."))
    return redirect("accounts:person", pk)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def deactivate(request, pk):
    """Ask, with what it means; then let somebody no longer sign in."""
    user = _person(request, pk)
    if request.method == "POST" and _allowed(
        request, people.deactivate, [user], by=request.user, on=_on(request)
    ):
        messages.success(
            request, _("%(name)s can no longer sign in.") % {"name": user.display_name}
        )
        return redirect("accounts:person", pk)
    return render(request, "accounts/deactivate.html", {"person": user})


@require_POST
@authority.required(authority.MANAGE_ROLES)
def reactivate(request, pk):
    """Let somebody sign in again."""
    user = _person(request, pk)
    people.reactivate([user], by=request.user, on=_on(request))
    messages.success(
        request,
        _("%(name)s can sign in again and is in the same roles as before.")
        % {"name": user.display_name},
    )
    return redirect("accounts:person", pk)


@require_GET
@authority.required(authority.MANAGE_ROLES)
def role_list(request):
    """The account's roles: how many are in each, and what each may do."""
    account = request.user.account
    page = Paginator(
        account.roles.annotate(
            active=Count("group__user", filter=Q(group__user__is_active=True))
        ).order_by("name"),
        ON_A_PAGE,
    ).get_page(request.GET.get("page"))
    granted = authority.granted_by_role(account)
    for role in page:
        role.permissions = _permissions(granted.get(role.pk, set()))
    return render(request, "accounts/roles.html", {"page": page})


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def add_role(request):
    """Name a new role; it may launch apps, which buys nothing."""
    form = RoleNameForm(request.POST or None)
    if form.is_valid():
        try:
            role = roles.create(
                request.user.account,
                **form.cleaned_data,
                by=request.user,
                on=_on(request),
            )
        except ValidationError as refusal:
            form.add_error("name", refusal)
        else:
            return redirect("accounts:join-role", role.pk)
    return _form(request, "accounts/add_role.html", form)


@require_GET
@authority.required(authority.MANAGE_ROLES)
def role(request, pk):
    """One role: its members, a page at a time, and what it may do."""
    role = _role(request, pk)
    q = request.GET.get("q", "")[:200]
    members = role.members.order_by("display_name", "id")
    page = Paginator(members.named(q), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "role": role,
        "active": members.active().count(),
        "page": page,
        "q": q,
        "may_do": _may_do(authority.granted(role)),
        "history": _history(request, role),
    }
    return render(request, "accounts/role.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def join_role(request, pk):
    """Put people into a role: ticked ones and pasted addresses."""
    role, account = _role(request, pk), request.user.account
    form = ChosenPeopleForm(request.POST or None, account=account)
    q = request.POST.get("q", "")[:200]
    joining = request.method == "POST" and "find" not in request.POST
    pasted = None
    if form.is_valid():
        pasted = people.named(account, form.cleaned_data["emails"])
        if joining and not (pasted.unknown or pasted.inactive):
            chosen = [*form.cleaned_data["users"], *pasted.found]
            new = _allowed(
                request, roles.join, role, chosen, by=request.user, on=_on(request)
            )
            if new is not None:
                words = ngettext(
                    "%(count)d person joined %(role)s.",
                    "%(count)d people joined %(role)s.",
                    len(new),
                )
                messages.success(
                    request, words % {"count": len(new), "role": role.name}
                )
            return redirect("accounts:role", pk)
    context = {"role": role, "form": form, "pasted": pasted, "q": q}
    context |= _options(request, q=q, form=form, role=role) | {"refused": joining}
    status = 422 if joining else 200
    return render(request, "accounts/join_role.html", context, status=status)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def leave_role(request, pk):
    """Take the ticked people out of a role."""
    role = _role(request, pk)
    form = ChosenPeopleForm(request.POST, account=request.user.account)
    chosen = form.cleaned_data["users"] if form.is_valid() else []
    gone = _allowed(
        request, roles.leave, role, chosen, by=request.user, on=_on(request)
    )
    if gone:
        messages.success(
            request,
            ngettext(
                "%(count)d person is no longer in %(role)s. Seats they have stay.",
                "%(count)d people are no longer in %(role)s. Seats they have stay.",
                len(gone),
            )
            % {"count": len(gone), "role": role.name},
        )
    elif gone is not None:
        messages.info(request, _("Tick whom to remove first."))
    return redirect("accounts:role", pk)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def permissions(request, pk):
    """What a role may do. Install and Manage delegate purchasing authority (T7)."""
    role = _role(request, pk)
    before = authority.granted(role)
    form = PermissionsForm(request.POST or None)
    wanted = before
    if form.is_bound and form.is_valid():
        wanted = set(form.cleaned_data["permissions"])
        try:
            authority.arrange(
                role,
                wanted,
                by=request.user,
                on=_on(request),
                delegates=form.cleaned_data["delegates"],
            )
        except ValidationError as refusal:
            field = "delegates" if refusal.code == "not_accepted" else None
            form.add_error(field, refusal)
        else:
            messages.success(request, _("The permissions are saved."))
            return redirect("accounts:role", pk)
    context = {
        "role": role,
        "form": form,
        "permissions": _permissions(wanted),
        "people": role.members.active().count(),
    }
    status = 422 if form.is_bound else 200
    return render(request, "accounts/permissions.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def rename_role(request, pk):
    """Give a role another name."""
    role = _role(request, pk)
    form = RoleNameForm(request.POST or None, initial={"name": role.name})
    if form.is_valid():
        try:
            roles.rename(role, **form.cleaned_data, by=request.user, on=_on(request))
        except ValidationError as refusal:
            form.add_error("name", refusal)
        else:
            messages.success(request, _("The role has its new name."))
            return redirect("accounts:role", pk)
    return _form(request, "accounts/rename_role.html", form, role=role)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def delete_role(request, pk):
    """Ask, with what it does; then end the role."""
    role = _role(request, pk)
    if request.method == "POST":
        left = _allowed(request, roles.delete, role, by=request.user, on=_on(request))
        if left is not None:
            messages.success(
                request, _("The role %(role)s is deleted.") % {"role": role.name}
            )
            return redirect("accounts:roles")
    context = {
        "role": role,
        "people": role.members.count(),
    }
    return render(request, "accounts/delete_role.html", context)


@require_GET
@authority.required(authority.INSTALL, authority.MANAGE, authority.MANAGE_ROLES)
def people_picker(request):
    """The people a search finds, as checkboxes named users; ticked ones come first.

    Takes q, users (ticked) and role: who is in that role already cannot be ticked.
    """
    form = ChosenPeopleForm(request.GET, account=request.user.account)
    role = None
    asked = request.GET.get("role", "")
    if asked.isdecimal() and len(asked) < 19:
        role = _role(request, asked)
    options = _options(request, q=request.GET.get("q", "")[:200], form=form, role=role)
    return render(request, "accounts/_people_options.html", options)


@require_POST
@authority.required(authority.INSTALL, authority.MANAGE, authority.MANAGE_ROLES)
def resolve_people(request):
    """Whom pasted addresses mean, as a fragment, or as JSON where that is accepted."""
    named = people.named(request.user.account, request.POST.get("emails", ""))
    if request.accepts("text/html"):
        return render(request, "accounts/_resolved_people.html", {"named": named})
    return JsonResponse(
        {
            "found": [
                {"id": user.pk, "name": user.display_name, "email": user.email}
                for user in named.found
            ],
            "inactive": [user.email for user in named.inactive],
            "unknown": named.unknown,
        }
    )


@require_http_methods(["GET", "POST"])
@authority.required(authority.INSTALL, authority.MANAGE)
def accept_terms(request):
    """Read and accept the version of the terms that is in force, then go on."""
    on = _on(request)
    version = terms.current(on)
    after = _safe(request, request.POST.get("next") or request.GET.get("next"))
    if request.method == "POST" and version:
        if request.POST.get("accept") != "yes":
            messages.error(request, _("Tick that you accept the terms."))
        elif request.POST.get("version") != str(version.pk):
            messages.error(request, _("Another version is in force by now. Read it."))
        else:
            terms.accept(request.user, version=version, on=on)
            messages.success(request, _("You accepted the terms."))
            return redirect(after or "accounts:terms")
    acceptance = TermsAcceptance.objects.filter(
        user=request.user, version=version
    ).first()
    context = {
        "version": version,
        "acceptance": acceptance if version else None,
        "next": after,
    }
    return render(request, "accounts/terms.html", context)


@require_POST
def choose_language(request):
    """Speak another language: to this browser, and to whoever is signed in."""
    if request.user.is_authenticated:
        language = request.POST.get("language", "")
        _allowed(request, people.speak, request.user, language=language)
    return set_language(request)


choose_language.authority = "ANYBODY"


@require_http_methods(["GET", "POST"])
@authority.signed_in
def profile(request):
    """One's own details, roles and authority."""
    user = request.user
    form = DetailsForm(
        request.POST or None,
        initial={"display_name": user.display_name, "team": user.team},
    )
    if user.account_id and form.is_valid():
        people.change(user, **form.cleaned_data, by=user, on=_on(request))
        messages.success(request, _("Your details are saved."))
        return redirect("accounts:profile")
    context = {
        "form": form,
        "roles": user.groups.select_related("role").order_by("role__name"),
        "may_do": _may_do(_held(user)),
        "has_keys": bool(api_keys.audiences(user)),
    }
    return _form(request, "accounts/profile.html", **context)


def _on(request):
    return clock.today(request.user.account.timezone)


def _person(request, pk) -> User:
    return get_object_or_404(request.user.account.users, pk=pk)


def _role(request, pk):
    return get_object_or_404(request.user.account.roles.select_related("group"), pk=pk)


def _person_page(request, user, *, form=None, roles_form=None):
    account = request.user.account
    roles_form = roles_form or PersonRolesForm(
        initial={"roles": list(account.roles.filter(group__user=user))},
        account=account,
    )
    context = {
        "person": user,
        "form": form or DetailsForm(instance=user),
        "roles_form": roles_form,
        "roles": _choices(account, chosen=roles_form["roles"].value()),
        "may_do": _may_do(_held(user)),
        "has_factor": second_factors.has_one(user),
        "history": _history(request, user),
    }
    bad = any(form.is_bound for form in (context["form"], roles_form))
    return render(request, "accounts/person.html", context, status=422 if bad else 200)


def _choices(account, *, chosen):
    """The account's roles with what they may do, and whether each is chosen."""
    granted = authority.granted_by_role(account)
    chosen = {str(getattr(role, "pk", role)) for role in chosen or []}
    return [
        {
            "role": role,
            "may_do": _may_do(granted.get(role.pk, set())),
            "chosen": str(role.pk) in chosen,
        }
        for role in account.roles.order_by("name")
    ]


def _held(user):
    return {name for name in authority.ALL if authority.held(user, name)}


def _may_do(held):
    return [permission for permission in _permissions(held) if permission["held"]]


def _permissions(held):
    """Each permission for people: its name, what it allows, whether it is held."""
    return [
        {
            "name": name,
            "title": title,
            "meaning": meaning,
            "held": name in held,
            "purchasing": name in authority.PURCHASING,
        }
        for name, title, meaning in (
            (
                authority.INSTALL,
                _("Install"),
                _(
                    "Install apps and activate roles while installing. Each is a purchase."
                ),
            ),
            (
                authority.MANAGE,
                _("Manage"),
                _(
                    "Users, roles, Auto Install and plan of installed apps, uninstall, "
                    "renewal changes and billing pages. Adding is a purchase."
                ),
            ),
            (
                authority.MANAGE_ROLES,
                _("Manage roles"),
                _("People, roles, who is in them and what they may do."),
            ),
            (
                authority.LAUNCH,
                _("Launch"),
                _("Open an app one has a seat in. It buys nothing."),
            ),
        )
    ]


def _options(request, *, q, form, role=None):
    """The rows of a people picker: the ticked ones, then up to 50 that q finds.

    Who is in the role already stands there only when searched for.
    """
    account = request.user.account
    ticked = list(form.cleaned_data["users"]) if form.is_valid() else []
    found = (
        account.users.active()
        .named(q)
        .exclude(pk__in=[user.pk for user in ticked])
        .order_by("display_name", "id")
    )
    if role is not None and not q:
        found = found.exclude(groups=role.group_id)
    some = list(found[: IN_A_PICKER + 1])
    members = set()
    if role is not None:
        shown = [user.pk for user in some]
        members = set(role.members.filter(pk__in=shown).values_list("pk", flat=True))
    return {
        "ticked": ticked,
        "found": some[:IN_A_PICKER],
        "members": members,
        "more": len(some) > IN_A_PICKER,
    }


def _history(request, row):
    """The last that happened to a person or role, in sentences."""
    entries = list(
        Activity.objects.of(request.user.account)
        .filter(subject=activities.reference(row))
        .order_by("-id")[:8]
    )
    names = dict(
        request.user.account.users.filter(
            pk__in=activities.people(entries)
        ).values_list("pk", "display_name")
    )
    return [
        {"on": entry.on, "sentence": activities.sentence(entry, names)}
        for entry in entries
    ]


def _allowed(request, rule, *args, **kwargs):
    """What a rule answers; where it refuses, its words become a message: None."""
    try:
        return rule(*args, **kwargs)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return None


def _form(request, template, form, **context):
    """A page around a form, 422 when the form was sent and refused."""
    status = 422 if form.is_bound else 200
    return render(request, template, {"form": form, **context}, status=status)


def _safe(request, address):
    """An address of this site to go on to; any other is forgotten."""
    if address and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return address
    return ""
