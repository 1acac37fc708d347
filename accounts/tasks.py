"""The clock and one call: what accounts do by themselves."""

from celery import shared_task
from django.utils import timezone

from accounts import answers


@shared_task
def forget_answers() -> None:
    """Every day: forget the answers to API calls of more than thirty days ago."""
    answers.forget(at=timezone.now())
