"""The generated administration: as one writes it first, and tuned where the documentation says how."""

import os

from django.contrib import admin

from django_site.models import DinnerParty, Member


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    search_fields = ["username"]


class DinnerPartyAdmin(admin.ModelAdmin):
    list_display = ["title", "host", "starts_at", "seats_taken", "number_seats", "status", "visibility"]
    list_filter = ["status", "visibility"]
    list_per_page = 25
    search_fields = ["title"]
    ordering = ["-starts_at"]
    # A choice of all members would be the work of nobody who has more than a hundred.
    autocomplete_fields = ["host"]


class TunedDinnerPartyAdmin(DinnerPartyAdmin):
    list_select_related = ["host"]
    # The number of all parties is not counted a second time beside those that were found.
    show_full_result_count = False


admin.site.register(DinnerParty, TunedDinnerPartyAdmin if os.environ.get("TUNED") else DinnerPartyAdmin)
