from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import answers


class Command(BaseCommand):
    help = "Forget the answers to API calls of more than thirty days ago, as the tick does."

    def handle(self, **options):
        self.stdout.write(f"{answers.forget(at=timezone.now())} answers forgotten.")
