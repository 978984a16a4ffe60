"""The pages of members, and the API."""

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from django_site.models import DinnerParty, Member, Rsvp

FIELDS = [
    "id", "title", "slug", "host__username", "starts_at", "duration_minutes", "venue", "area", "address", "main_dish",
    "description", "number_seats", "seats_taken", "max_party", "visibility", "status", "created_at",
]  # fmt: skip


def enter(request, key):
    """Log in without a password: what a login takes is not measured."""
    login(request, get_object_or_404(Member, pk=key))
    return HttpResponse("in")


def parties(request):
    upcoming = DinnerParty.objects.select_related("host").filter(
        status="published", visibility="public", starts_at__gt=timezone.now()
    )
    shown = {"parties": upcoming.order_by("starts_at", "id")[:24], "flashes": messages.get_messages(request)}
    return render(request, "parties.html", shown)


def party(request, slug):
    found = get_object_or_404(DinnerParty.objects.select_related("host"), slug=slug)
    shown = {"party": found, "flashes": messages.get_messages(request)}
    return render(request, "party.html", {**shown, "token_name": "csrfmiddlewaretoken", "token": get_token(request)})


@require_POST
@login_required
def rsvp(request, slug):
    found = get_object_or_404(DinnerParty, slug=slug)
    with transaction.atomic():
        open_ones = DinnerParty.objects.filter(
            pk=found.pk, status="published", starts_at__gt=timezone.now(), seats_taken__lt=F("number_seats")
        )
        if not open_ones.update(seats_taken=F("seats_taken") + 1):
            return HttpResponse("All seats are taken", status=409)
        Rsvp.objects.create(party=found, member=request.user, email=request.user.email, status="yes")
    messages.info(request, "You are coming.")
    response = redirect(f"/parties/{slug}")
    response.status_code = 303
    return response


@staff_member_required
def api(_request):
    pages = Paginator(DinnerParty.objects.order_by("-starts_at"), 25)
    return JsonResponse({"count": pages.count, "result": list(pages.page(1).object_list.values(*FIELDS))})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("enter/<int:key>", enter),
    path("parties/", parties),
    path("parties/<slug>", party),
    path("parties/<slug>/rsvp", rsvp),
    path("api/parties", api),
]
