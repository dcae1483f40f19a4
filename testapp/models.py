"""What the chat remembers, and the books of a library."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChatMessage(models.Model):
    """One line of the chat."""

    AUTHOR_MAX_LENGTH = 40
    TEXT_MAX_LENGTH = 500

    author = models.CharField(_("author"), max_length=AUTHOR_MAX_LENGTH)
    text = models.CharField(_("text"), max_length=TEXT_MAX_LENGTH)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")

    def __str__(self) -> str:
        return f"{self.author}: {self.text}"

    def as_event(self) -> dict[str, Any]:
        """Return the message as the pages receive it."""
        return {"id": self.pk, "author": self.author, "text": self.text, "at": self.created_at}


class Book(models.Model):
    """A book, whose cover is drawn when somebody asks for it in the admin."""

    title = models.CharField(_("title"), max_length=200)
    author = models.CharField(_("author"), max_length=100)
    isbn = models.CharField(_("ISBN"), max_length=13)
    published = models.DateField(_("published"))
    price = models.DecimalField(_("price"), max_digits=6, decimal_places=2)
    cover = models.TextField(_("cover"), blank=True, editable=False)
    drawn_at = models.DateTimeField(_("cover drawn"), null=True, editable=False)

    class Meta:
        ordering = ("pk",)
        verbose_name = _("book")
        verbose_name_plural = _("books")

    def __str__(self) -> str:
        return self.title
