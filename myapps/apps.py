from django.apps import AppConfig


class MyAppsConfig(AppConfig):
    name = "myapps"
    verbose_name = "My Apps"
