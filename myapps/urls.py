from django.urls import path

from myapps import app_pages

app_name = "myapps"
urlpatterns = [
    path("marketplace/<slug:slug>/", app_pages.app, name="app"),
]
