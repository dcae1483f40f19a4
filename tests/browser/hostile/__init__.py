"""An app whose every name is an attempt to run a script in the page that shows it."""

CORPUS = (
    "<img src=x onerror=hacked=1>",
    "<script>hacked=1</script>",
    "\"'><svg onload=hacked=1>",
    "</script><script>hacked=1</script>",
    "javascript:hacked=1",
    "{{constructor.constructor('hacked=1')()}}",
    "__proto__",
)
"""Each sets ``window.hacked`` where it is read as something else than text."""
