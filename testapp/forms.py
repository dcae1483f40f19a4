"""What the chat accepts, as data from a WebSocket is validated like data from a page, with forms;
and what an export of books asks for.
"""

from django import forms
from django.forms import modelform_factory
from django.utils.translation import gettext_lazy as _

from testapp.models import ChatMessage

NameForm = modelform_factory(ChatMessage, fields=["author"])
MessageForm = modelform_factory(ChatMessage, fields=["author", "text"])


class ExportForm(forms.Form):
    COLUMNS = {
        "title": _("title"),
        "author": _("author"),
        "isbn": _("ISBN"),
        "published": _("published"),
        "price": _("price"),
    }
    SEPARATORS = {",": _("comma"), ";": _("semicolon"), "\t": _("tab")}

    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        choices=list(COLUMNS.items()),
        initial=list(COLUMNS),
        widget=forms.CheckboxSelectMultiple,
    )
    separator = forms.ChoiceField(label=_("Separator"), choices=list(SEPARATORS.items()))
