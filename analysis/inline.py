"""What the page carries inside itself: figures, data and a library, so that it opens without a server or a network."""

import base64
import gzip
import re
from functools import cache

import vl_convert

FIGURES_AS_THEY_ARE = 1_200_000
"""Characters of figures, as data URIs, that a page embeds as they are. Where there are more, all are compressed and
shown by the page's script: that is how a page of many settings or classes stays below 3 MB."""


def data_uri(content: bytes, kind: str) -> str:
    """A file as an address, e.g. of the kind `image/svg+xml`."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def compressed(uri: str) -> tuple[str, str]:
    """The kind of file of a data URI, and its content, compressed by gzip, in base 64."""
    head, _, content = uri.partition(",")
    packed = gzip.compress(base64.b64decode(content), mtime=0)  # the same figure is the same page
    return head.removeprefix("data:").partition(";")[0], base64.b64encode(packed).decode()


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that defines `vegaEmbed`; 0.9 MB, made once."""
    return as_script(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def as_script(text: str) -> str:
    """JavaScript that can stand in an element `script`, which nothing within it may close or turn into a comment.

    See https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements.
    """
    return re.sub(r"<(?=!--|/?script)", r"\\x3C", text, flags=re.IGNORECASE)
