"""The tables that all peers share."""

from django.contrib.auth.models import AbstractUser
from django.db import models

STATUSES = [(name, name.capitalize()) for name in ("draft", "published", "cancelled", "done")]
VISIBILITIES = [(name, name.capitalize()) for name in ("public", "unlisted", "private")]


class Member(AbstractUser):
    class Meta:
        managed = False
        db_table = "member"

    def __str__(self):
        return f"{self.first_name} {self.last_name}"


class DinnerParty(models.Model):
    title = models.CharField(max_length=120)
    slug = models.CharField(max_length=80, unique=True)
    host = models.ForeignKey(Member, models.CASCADE)
    starts_at = models.DateTimeField()
    duration_minutes = models.IntegerField(default=180)
    venue = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=255, blank=True)
    area = models.CharField(max_length=120, blank=True)
    main_dish = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    number_seats = models.IntegerField(default=8)
    seats_taken = models.IntegerField(default=0)
    max_party = models.IntegerField(default=4)
    status = models.CharField(max_length=16, choices=STATUSES)
    visibility = models.CharField(max_length=16, choices=VISIBILITIES)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "dinner_party"

    def __str__(self):
        return self.title


class Rsvp(models.Model):
    party = models.ForeignKey(DinnerParty, models.CASCADE)
    member = models.ForeignKey(Member, models.CASCADE, null=True)
    email = models.CharField(max_length=320)
    party_size = models.IntegerField(default=1)
    status = models.CharField(max_length=20)
    answered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "rsvp"

    def __str__(self):
        return self.email
