"""The connections to one HTTP server: bytes out, bytes in, over one shared session.

Handles TLS, proxies and headers, and turns failures below HTTP into two cases: `Fault` (a retry may
help) and `ModelError` (it won't). Knows nothing about models.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal
from urllib.request import getproxies, proxy_bypass

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from fabula.errors import ModelError, UsageError
from fabula.spec.models import ModelSpec

CONNECT_SECONDS = 15.0
REQUEST_SECONDS = 300.0
KEEP_ALIVE_SECONDS = 60.0
MOST_INTERIM = 32
"""Maximum number of interim answers, such as `100 Continue`."""
MAX_REPLY = 64 * 2**20
"""Maximum bytes of a reply, after decompression, unless the model's settings say otherwise."""
MOST_QUOTED = 200
"""Characters that the error shows of an answer that is not HTTP."""
IDLE_SECONDS = 120.0
"""Maximum seconds without progress of a reply that has begun."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A server's reply."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class Fault(Exception):
    """The request was not answered, and a retry may help. Never leaves this package."""

    def __init__(
        self, kind: Literal["unreachable", "reset", "timeout", "garbled"], reason: str
    ) -> None:
        super().__init__(reason)
        self.kind = kind


class _Response(aiohttp.ClientResponse):
    """A response with a limit on interim answers, which aiohttp itself doesn't have."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Read the answer's status and headers."""
        protocol, answers = connection.protocol, count()
        read = protocol.read

        async def read_next() -> Any:
            if next(answers) > MOST_INTERIM:
                raise ModelError(
                    f"{without_secrets(str(self.url))} sent more than {MOST_INTERIM} interim "
                    "answers and no reply",
                    code="model.no-reply",
                    hint="check the endpoint: it does not behave like a model server",
                )
            return await read()

        protocol.read = read_next
        try:
            return await super().start(connection)
        finally:
            protocol.read = read


class Wire:
    """One server's connections, kept alive and shared by all requests to paths of its address.

    The headers of every request are built when the first one is sent.
    """

    def __init__(
        self, address: str, settings: ModelSpec, *, headers: Callable[[], Mapping[str, str]]
    ) -> None:
        self._max_reply = settings.max_reply or MAX_REPLY
        self._seconds = settings.timeout or REQUEST_SECONDS
        url = _server_url(address)
        # Passwords are removed from addresses, since other libraries' errors would show them.
        self.base_url = str(url.with_user(None)).rstrip("/")
        self._login = _login(url)
        self._make_headers = headers
        self._headers: Mapping[str, str] = {}
        self._timeout = aiohttp.ClientTimeout(total=self._seconds, sock_connect=CONNECT_SECONDS)
        self._tls = (url.scheme == "https", settings.verify_tls, settings.ca_file)
        found = _proxy_for(url, settings.proxy)
        self._proxy = found and found.with_user(None)
        self._proxy_login = {"Proxy-Authorization": _login(found)} if _login(found) else {}
        self._urls: dict[str, URL] = {}
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    @property
    def address(self) -> str:
        """The base URL as it may be shown and stored: no password, no query."""
        return without_secrets(self.base_url)

    @property
    def logins(self) -> tuple[str, ...]:
        """Secrets that no text may show: the passwords in the server's and the proxy's address."""
        return tuple(filter(None, (self._login, *self._proxy_login.values())))

    async def send(self, method: str, path: str, body: bytes, content_type: str) -> HttpReply:
        """Send a request to a path below the base URL and read the whole reply.

        Raises:
            Fault: It was not answered, and a retry may help.
            ModelError: The server, its certificate or the proxy can't be used.
        """
        session = self._sessions.get(asyncio.get_running_loop()) or await self._open()
        try:
            # A redirect would turn a POST into a GET and could carry the key elsewhere.
            async with session.request(
                method,
                self._url(path),
                data=body or None,
                headers={**self._headers, "Content-Type": content_type},
                proxy=self._proxy,
                proxy_headers=self._proxy_login,
                allow_redirects=False,
            ) as response:
                body = await self._read(response.content)
                return HttpReply(response.status, response.headers, body)
        except TimeoutError as exc:
            raise Fault("timeout", f"no answer within {self._seconds:g} s") from exc
        except (ssl.SSLError, aiohttp.ClientSSLError) as exc:
            raise self._tls_error(exc) from exc
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as exc:
            raise ModelError(
                f"the proxy {without_secrets(str(self._proxy))} can't be used: {_cause(exc)}",
                code="model.proxy",
                hint="check HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the model's `proxy`",
            ) from exc
        except aiohttp.ClientConnectorError as exc:
            raise Fault("unreachable", _cause(exc)) from exc
        except aiohttp.ClientResponseError as exc:
            raise Fault("garbled", (exc.message or type(exc).__name__)[:MOST_QUOTED]) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise Fault("reset", f"the connection broke ({_cause(exc)})") from exc

    async def _read(self, content: aiohttp.StreamReader) -> bytes:
        """A reply's body, if its size is bounded and it keeps arriving.

        Raises:
            ModelError: It is longer than replies may be.
            TimeoutError: It stalled.
        """
        body = bytearray()
        while True:
            async with asyncio.timeout(min(IDLE_SECONDS, self._seconds)):
                piece = await content.readany()
            if not piece:
                return bytes(body)
            body += piece
            if len(body) > self._max_reply:
                raise ModelError(
                    f"{self.address} sent a reply of more than {self._max_reply:,} bytes",
                    code="model.reply-too-large",
                    hint="check the endpoint; for longer replies, raise `max_reply` in the model's "
                    "settings",
                )

    async def close(self) -> None:
        """Close the connections of this event loop and of loops that have ended."""
        here = asyncio.get_running_loop()
        for loop in [loop for loop in self._sessions if loop is here or loop.is_closed()]:
            await self._sessions.pop(loop).close()

    def _url(self, path: str) -> URL:
        url = self._urls.get(path)
        if url is None:
            address, mark, query = self.base_url.partition("?")
            url = self._urls[path] = URL(address.rstrip("/") + path + mark + query)
        return url

    async def _open(self) -> aiohttp.ClientSession:
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            await self._sessions.pop(loop).close()
        headers = dict(self._make_headers())
        if self._login:
            headers["Authorization"] = self._login
        if self._proxy and not self._tls[0]:
            headers.update(self._proxy_login)  # without a tunnel, the request itself carries it
        # Not set on the session: aiohttp would also send the session's headers to the proxy.
        self._headers = headers
        connector = aiohttp.TCPConnector(
            # `Limits` decides the concurrency, never the pool.
            limit=0,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ssl=_tls_context(*self._tls),
        )
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
        )
        self._sessions[asyncio.get_running_loop()] = session
        return session

    def _tls_error(self, exc: Exception) -> ModelError:
        if re.search(r"wrong.version|record.layer", str(exc), re.I):
            return ModelError(
                f"{self.address} does not speak TLS",
                code="model.certificate",
                hint=f"write {self.address.replace('https://', 'http://', 1)} if it is your own "
                "server",
            )
        return ModelError(
            f"the TLS connection to {self.address} failed: {_cause(exc)}",
            code="model.certificate",
            hint="name your authority's certificates in the model's `ca_file`, "
            "or set `verify_tls: false` for a server that you trust",
        )


def _server_url(base_url: str) -> URL:
    """A valid address. Raises an error for any other text."""
    try:
        url = URL(base_url)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(
            f"`{without_secrets(base_url)}` is not an address of a server",
            code="model.base-url",
            hint="write it like http://127.0.0.1:8000/v1",
        )
    return url


def _login(url: URL | None) -> str:
    """The user and password in an address, as a header's value, or empty."""
    if url is None or url.user is None:
        return ""
    return "Basic " + b64encode(f"{url.user}:{url.password or ''}".encode()).decode()


def without_secrets(url: str) -> str:
    """An address without user, password, query and fragment."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])


def _cause(exc: Exception) -> str:
    """The innermost reason in words; aiohttp's own texts repeat the address."""
    certificate = getattr(exc, "certificate_error", None)
    inner = certificate or getattr(exc, "os_error", None) or exc
    words = getattr(inner, "verify_message", None) or getattr(inner, "strerror", None)
    return without_secrets(str(words or inner or type(exc).__name__)).lower()


def _proxy_for(url: URL, named: str | None) -> URL | None:
    # Read once: aiohttp's own `trust_env` reads the environment and ~/.netrc at every request.
    if named is None and proxy_bypass(str(url.host)):
        return None
    proxies = getproxies()
    proxy = named or proxies.get(url.scheme) or proxies.get("all")
    if not proxy:
        return None
    if not proxy.startswith(("http://", "https://")):
        raise UsageError(
            f"the proxy {without_secrets(proxy)} is not an HTTP proxy",
            code="model.proxy",
            hint="use one whose address starts with http:// or https://",
        )
    return URL(proxy)


def _tls_context(used: bool, verify: bool, ca_file: str | None) -> ssl.SSLContext | bool:
    if not used:
        return True
    if not verify:
        return False
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise UsageError(
            f"`{ca_file}` contains no readable certificates: {_cause(exc)}",
            code="model.ca-file",
            hint="name a PEM file",
        ) from exc
