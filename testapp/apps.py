from django.apps import AppConfig


class TestAppConfig(AppConfig):
    name = "testapp"
    verbose_name = "Example"
    default_auto_field = "django.db.models.BigAutoField"
