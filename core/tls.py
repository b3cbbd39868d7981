"""TLS to Valkey (`rediss://`): its certificate is checked always, by the system's authorities and REDIS_CA_FILE's."""

import ssl
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator

SCHEME: Final = "rediss"


def tls_options(url: str, ca_file: str) -> dict[str, Any]:
    """What redis-py, kombu, Celery, redbeat and Flower all want to know of it; nothing for a URL without TLS."""
    if urlsplit(url).scheme != SCHEME:
        return {}
    authorities = {"ssl_ca_certs": ca_file} if ca_file else {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **authorities}


def refuse_other_options(url: str) -> None:
    """Raise `ValueError` for a URL with options of TLS: each library reads them in its own way, or not at all."""
    if any(name.startswith("ssl_") for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
        raise ValueError("leave ssl_... out: with rediss:// the certificate is checked, REDIS_CA_FILE says by whom")


def is_untrusted(error: BaseException | None) -> bool:
    """Whether a connection failed because nobody vouches for the server's certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_there(path: str) -> str:
    if path and not Path(path).is_file():
        raise ValueError("there is no such file")
    return path


CaFile = Annotated[str, AfterValidator(_is_there)]
