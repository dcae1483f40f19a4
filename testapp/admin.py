from __future__ import annotations

import csv
import time

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from testapp import books, covers
from testapp.forms import ExportForm
from testapp.models import Book, ChatMessage
from tws_admin import progress_action
from tws_admin.progress.work.task import Task


@admin.register(ChatMessage)
class ChatMessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("author", "text", "created_at")
    search_fields = ("author", "text")
    readonly_fields = ("created_at",)


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Three actions that take a while: per object, over a queryset, and of unknown length."""

    list_display = ("title", "author", "isbn", "published", "price", "cover_image")
    search_fields = ("title", "author", "isbn")
    date_hierarchy = "published"
    list_per_page = 50
    readonly_fields = ("cover_image", "drawn_at")
    actions = ("draw_covers", "export", "check_news")

    @progress_action(description=_("Draw covers"), each=True, confirm=True)
    def draw_covers(self, task: Task, book: Book) -> None:
        """Draw the cover of each book; a misprint in the ISBN is an error of that book alone."""
        time.sleep(books.PACE_S)
        books.check_isbn(book.isbn)
        book.cover = covers.draw(book.title, book.author)
        book.drawn_at = timezone.now()
        book.save(update_fields=["cover", "drawn_at"])

    @progress_action(description=_("Export as CSV"), permissions=["view"], form=ExportForm)
    def export(self, task: Task, queryset: QuerySet[Book]) -> dict[str, int]:
        """Write the books into a file, which is on the page of the task at the end."""
        columns = task.params["columns"]
        exported = 0
        with task.result_file("books.csv") as file:
            writer = csv.writer(file, delimiter=task.params["separator"])
            writer.writerow([str(ExportForm.COLUMNS[column]) for column in columns])
            for book in task.track(queryset.defer("cover"), label=str):
                time.sleep(books.PACE_S / 4)
                writer.writerow([getattr(book, column) for column in columns])
                exported += 1
        return {"exported": exported}

    @progress_action(description=_("Ask the publishers for news"), permissions=["view"])
    async def check_news(self, task: Task, queryset: QuerySet[Book]) -> dict[str, int]:
        """Read page after page; nobody knows how many there are, so nobody says a total."""
        found = pages = 0
        async for page in books.news(await queryset.acount()):
            pages += 1
            found += len(page)
            task.update(label=gettext("Page %(number)d") % {"number": pages})
            task.log(", ".join(page))
            task.advance(len(page))
        return {"news": found, "pages": pages}

    @admin.display(description=_("cover"))
    def cover_image(self, book: Book) -> str:
        if not book.drawn_at:
            return self.get_empty_value_display()
        name = "admin:testapp_book_cover"
        address = reverse(name, args=[book.pk], current_app=self.admin_site.name)
        return format_html(
            '<img src="{}?{}" alt="" width="24" height="36" loading="lazy">',
            address,
            int(book.drawn_at.timestamp()),
        )

    def get_urls(self) -> list[URLPattern]:
        cover = self.admin_site.admin_view(self.cover, cacheable=True)
        return [path("<int:pk>/cover.svg", cover, name="testapp_book_cover"), *super().get_urls()]

    def cover(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer a cover as a picture, in which nothing can run."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        book = get_object_or_404(self.get_queryset(request).exclude(cover=""), pk=pk)
        headers = {"Content-Security-Policy": "sandbox; default-src 'none'"}
        response = HttpResponse(book.cover, content_type="image/svg+xml", headers=headers)
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response
