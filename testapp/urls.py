from django.contrib import admin
from django.urls import path

from testapp import views

urlpatterns = [
    path("", views.index, name="index"),
    path("chat/", views.chat, name="chat"),
    path("echo/", views.echo, name="echo"),
    path("progress/", views.progress, name="progress"),
    path("admin/", admin.site.urls),
]
