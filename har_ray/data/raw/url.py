"""A URL as it may be shown and stored: without the passwords, keys and signatures that let its holder in."""

import hashlib
import re
from urllib.parse import urlsplit, urlunsplit


def without_secrets(url: str) -> str:
    """`https://me:secret@host/a.zip?id=7&token=secret` → `https://host/a.zip?id=…&token=…`; a path stays as it is.

    All values go, since no list of names tells which are secret; so does a fragment. What stands in the URL's path
    stays. Of a URL whose host cannot be told (a slash in a password), only the scheme is left.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        return url
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        _ = parts.port  # raises for what is no number
    except ValueError:
        return f"{scheme}://…"
    query = "&".join(map(_without_value, parts.query.split("&"))) if parts.query else ""
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def url_hash(url: str) -> str:
    """Tells apart URLs, or paths, that `without_secrets` may show alike.

    It takes tens of milliseconds on purpose: who reads it should not find a short password by trying millions.
    """
    said, salt = (text.encode(errors="surrogatepass") for text in (url, without_secrets(url)))
    return hashlib.scrypt(said, salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def redacted(text: str) -> str:
    """A library's message without secrets: it may quote URLs, those that a server redirects to included, or parts."""
    return re.sub(r"([?#])\S+", r"\1…", re.sub(r"(?<=//)[^\s/]*@", "", text))


def _without_value(parameter: str) -> str:
    name, _, value = parameter.partition("=")
    return f"{name}=…" if value.strip("=") else "…"  # without a name, all of it may be the secret
