from django.urls import path

from marketplace import views

app_name = "marketplace"
urlpatterns = [
    path("marketplace/", views.catalogue, name="catalogue"),
]
