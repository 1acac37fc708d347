from django.apps import AppConfig


class MyAppsConfig(AppConfig):
    name = "myapps"
    verbose_name = "My Apps"

    def ready(self):
        from myapps import receivers  # noqa: F401
