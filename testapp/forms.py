"""What the chat accepts: data from a WebSocket is validated like data from a page, with forms."""

from django.forms import modelform_factory

from testapp.models import ChatMessage

NameForm = modelform_factory(ChatMessage, fields=["author"])
MessageForm = modelform_factory(ChatMessage, fields=["author", "text"])
