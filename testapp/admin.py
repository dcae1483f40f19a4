from django.contrib import admin

from testapp.models import ChatMessage


@admin.register(ChatMessage)
class ChatMessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("author", "text", "created_at")
    search_fields = ("author", "text")
    readonly_fields = ("created_at",)
