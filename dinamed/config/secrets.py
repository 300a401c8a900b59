"""Files of `[server]` with secrets: who may read them, what must be in them."""

import os
import re
import stat

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import Server

FILE_MAX = 1 << 20
_SECRET = re.compile(r"[0-9A-Fa-f]{32}")


def cookie_secrets(text: str) -> tuple[bytes, ...]:
    """The secrets in a file: 32 hexadecimal digits on a line, `#` begins a comment.

    Raises `ValueError`, whose message holds nothing of the file.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        if not _SECRET.fullmatch(word):
            raise ValueError(f"line {number} is not 32 hexadecimal digits")
        found.append(bytes.fromhex(word))
    if not found:
        raise ValueError("there is no secret in it")
    return tuple(found)


def read_secrets(
    reader: Reader, server: Server, folder: str
) -> tuple[Server, tuple[str, ...]]:
    """Check the files of secrets; the server with absolute paths, and for cookies
    the secrets as hexadecimal digits."""
    found: tuple[bytes, ...] = ()
    path: Path = ("server", "cookie_secret_file")
    if server.cookie_secret_file is not None:
        file = os.path.join(folder, server.cookie_secret_file)
        server = replace(server, cookie_secret_file=file)
        data = secret_file(reader, file, path)
        if data is not None:
            try:
                found = cookie_secrets(data.decode("ascii", "replace"))
            except ValueError as error:
                reader.report(path, f"{file}: {error}")
    server = _token(reader, _tls(reader, server, folder), folder)
    return server, tuple(secret.hex() for secret in found)


def secret_file(reader: Reader, file: str, path: Path) -> bytes | None:
    """What is in a file that nobody else may read or change; None after a report."""
    data = _read(reader, file, path)
    if data is None:
        return None
    if os.stat(file).st_mode & (stat.S_IROTH | stat.S_IWOTH):
        reader.report(path, f"{file} is open to everybody; chmod o-rw it")
        return None
    return data


def _read(reader: Reader, file: str, path: Path) -> bytes | None:
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            reader.report(path, f"{file} is not a file")
            return None
        with open(file, "rb") as opened:
            return opened.read(FILE_MAX)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        reader.report(path, f"can't read {file}: {reason}")
        return None


def _token(reader: Reader, server: Server, folder: str) -> Server:
    if server.token_file is None:
        return server
    file = os.path.join(folder, server.token_file)
    data = secret_file(reader, file, ("server", "token_file"))
    if data is not None and not data.strip():
        reader.report(("server", "token_file"), f"{file} is empty")
    return replace(server, token_file=file)


def _tls(reader: Reader, server: Server, folder: str) -> Server:
    """Check certificate and key, and that they belong together."""
    given = {"certificate": server.certificate, "key": server.key}
    if server.http_tls and server.http is None and reader.intact(("server", "http")):
        reader.report(("server", "http_tls"), "has no use without http")
    for wanted, key in ((server.tls, "tls"), (server.http_tls, "http_tls")):
        for name, value in given.items():
            if wanted and value is None and reader.intact(("server", name)):
                reader.report(("server", key), f"needs {name}")
    public = secret = None
    if server.certificate is not None:
        file = os.path.join(folder, server.certificate)
        server = replace(server, certificate=file)
        data = _read(reader, file, ("server", "certificate"))
        if data is not None:
            public = _public(reader, data, file)
    if server.key is not None:
        file = os.path.join(folder, server.key)
        server = replace(server, key=file)
        data = secret_file(reader, file, ("server", "key"))
        if data is not None:
            secret = _private(reader, data, file)
    if public is not None and secret is not None and public != secret:
        reader.report(("server", "key"), "is not the key of the certificate")
    return server


def _public(reader: Reader, data: bytes, file: str) -> object:
    """The public key of the first certificate."""
    path: Path = ("server", "certificate")
    try:
        chain = x509.load_pem_x509_certificates(data)
        return chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        reader.report(path, f"{file} holds no certificate in PEM")
        return None


def _private(reader: Reader, data: bytes, file: str) -> object:
    """The public key that belongs to the private one."""
    path: Path = ("server", "key")
    try:
        return load_pem_private_key(data, None).public_key()
    except TypeError:
        reader.report(path, f"{file} needs a password, and there is nobody to give it")
    except (ValueError, UnsupportedAlgorithm):
        reader.report(path, f"{file} holds no private key in PEM")
    return None
