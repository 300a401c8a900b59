"""The secret files of `[server]`: who may read them, and what they must contain."""

import os
import re
import stat

from dinamed.config.check_forms import Header, header_value
from dinamed.config.lines import Path
from dinamed.config.reader import BAD, Reader
from dinamed.config.settings import ServerSettings

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


def read_secrets(reader: Reader, server: ServerSettings) -> tuple[str, ...]:
    """Check the files of secrets; those for cookies as hexadecimal digits."""
    found: tuple[bytes, ...] = ()
    path: Path = ("server", "cookie_secret_file")
    if server.cookie_secret_file is not None:
        file = server.cookie_secret_file
        data = secret_file(reader, file, path)
        if data is not None:
            try:
                found = cookie_secrets(data.decode("ascii", "replace"))
            except ValueError as error:
                reader.report(path, f"{file}: {error}")
    _check_tls(reader, server)
    _check_token(reader, server)
    _check_tokens(reader, server)
    return tuple(secret.hex() for secret in found)


def secret_file(reader: Reader, file: str, path: Path) -> bytes | None:
    """The content of a file that nobody else may read; None after a report."""
    data = _read(reader, file, path)
    if data is None:
        return None
    if os.stat(file).st_mode & (stat.S_IROTH | stat.S_IWOTH):
        reader.report(path, f"{file} is open to everybody; chmod o-rw it")
        return None
    return data


def with_header_files(
    reader: Reader,
    headers: tuple[Header, ...],
    files: tuple[Header, ...],
    path: Path,
) -> tuple[Header, ...]:
    """Headers with those whose values are in files; `path` is that of their table."""
    here: Path = (*path, "header_files")
    ready = list(headers)
    for name, text in files:
        at: Path = (*here, name)
        if any(name.lower() == other.lower() for other, _ in ready):
            reader.report(at, f"there is a header {name} already")
            continue
        file = reader.absolute(text, at)
        data = None if file is None else secret_file(reader, file, at)
        value = BAD if data is None else reader.apply(header_value, data, at)
        if isinstance(value, str):
            ready.append((name, value))
    return tuple(ready)


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


def _check_token(reader: Reader, server: ServerSettings) -> None:
    if server.token_file is None:
        return
    data = secret_file(reader, server.token_file, ("server", "token_file"))
    if data is not None and not data.strip():
        reader.report(("server", "token_file"), f"{server.token_file} is empty")


def _check_tokens(reader: Reader, server: ServerSettings) -> None:
    names: set[str] = set()
    for place, token in enumerate(server.tokens):
        here: Path = ("server", "tokens", place)
        if token.name in names:
            reader.report((*here, "name"), f'there is a token "{token.name}" already')
        names.add(token.name)
        if not token.may:
            reader.report((*here, "may"), "allows nothing")
        data = secret_file(reader, token.file, (*here, "file"))
        if data is not None and not data.strip():
            reader.report((*here, "file"), f"{token.file} is empty")


def _check_tls(reader: Reader, server: ServerSettings) -> None:
    """Check certificate and key, and that they belong together."""
    given = {"certificate": server.certificate, "key": server.key}
    if server.http_tls and server.http is None and reader.intact(("server", "http")):
        reader.report(("server", "http_tls"), "has no use without http")
    for wanted, key in ((server.tls, "tls"), (server.http_tls, "http_tls")):
        for name, value in given.items():
            if wanted and value is None and reader.intact(("server", name)):
                reader.report(("server", key), f"needs {name}")
    certificate = key_data = None
    if server.certificate is not None:
        certificate = _read(reader, server.certificate, ("server", "certificate"))
    if server.key is not None:
        key_data = secret_file(reader, server.key, ("server", "key"))
    if certificate is None and key_data is None:
        return
    # A fifth of the time of `dinamed check` would go into this import.
    from dinamed.config.certificates import check_pair

    check_pair(reader, server, certificate, key_data)
