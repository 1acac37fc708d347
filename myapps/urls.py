app_name = "myapps"
urlpatterns = []
