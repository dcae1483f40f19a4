"""URLs of the measured project."""

from __future__ import annotations

from django.urls import path

from project.views import hello

urlpatterns = [path("hello/", hello)]
