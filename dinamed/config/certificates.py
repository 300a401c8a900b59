"""What a certificate and its private key hold; imported where there are any."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.settings import ServerSettings


def check_pair(
    reader: Reader,
    server: ServerSettings,
    certificate: bytes | None,
    key: bytes | None,
) -> None:
    """Report what is wrong with the content of the two files, as far as it is there."""
    public = secret = None
    if certificate is not None:
        public = _public(reader, certificate, str(server.certificate))
    if key is not None:
        secret = _private(reader, key, str(server.key))
    if public is not None and secret is not None and public != secret:
        reader.report(("server", "key"), "is not the key of the certificate")


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
