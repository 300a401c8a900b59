"""Tests for binding."""

import errno
import socket

from twisted.trial.unittest import SynchronousTestCase

from dinamed.server import sockets
from dinamed.server.interfaces import addresses_of
from dinamed.server.sockets import (
    BindError,
    ListenAddress,
    Listening,
    bind,
    bind_http,
    everywhere,
    resolve,
    split_interface,
)
from tests.daemon.harness import free_port

V4, V6 = socket.AF_INET, socket.AF_INET6


class SplitTests(SynchronousTestCase):
    """How an interface is written."""

    def test_forms(self) -> None:
        """Names, IPv4 and IPv6 addresses, with and without a port."""
        for text, expected in (
            ("192.0.2.1", ("192.0.2.1", 53)),
            ("192.0.2.1:5353", ("192.0.2.1", 5353)),
            ("ns1.example.org", ("ns1.example.org", 53)),
            ("ns1.example.org:1", ("ns1.example.org", 1)),
            ("2001:db8::1", ("2001:db8::1", 53)),
            ("::", ("::", 53)),
            ("[2001:db8::1]", ("2001:db8::1", 53)),
            ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
            ("[fe80::1%lo]:0", ("fe80::1%lo", 0)),
        ):
            self.assertEqual(split_interface(text, 53), expected)

    def test_refused(self) -> None:
        """What cannot be read is named."""
        for text in (
            "",
            ":53",
            "a:",
            "a:x",
            "a:65536",
            "a:-1",
            "[::1",
            "[::1]53",
            "[]",
        ):
            with self.assertRaises(BindError) as caught:
                split_interface(text, 53)
            self.assertIn(repr(text), str(caught.exception))


def resolved(name: str) -> list[ListenAddress]:
    """The addresses of an interface, if it has any."""
    return resolve([name], 53) if addresses_of(name) else []


class ResolveTests(SynchronousTestCase):
    """From interfaces to addresses."""

    def test_network_interface(self) -> None:
        """The name of a network interface stands for all of its addresses."""
        found = resolve(["lo:5300"], 53)
        self.assertIn(ListenAddress("127.0.0.1", 5300, V4), found)
        hosts = {
            str(one) for _, name in socket.if_nameindex() for one in resolved(name)
        }
        self.assertLessEqual({"127.0.0.1:53"}, hosts)
        if not addresses_of("lo"):
            self.fail("lo has no address")
        self.assertEqual(addresses_of("nothing0"), [])

    def test_interface_without_address(self) -> None:
        """It can't be listened on, and that is told in one line."""
        self.patch(sockets, "addresses_of", lambda name: [])
        with self.assertRaises(BindError) as caught:
            resolve(["lo"], 53)
        self.assertEqual(str(caught.exception), "the interface lo has no address")

    def test_literals(self) -> None:
        """Both families; each address once."""
        found = resolve(["127.0.0.1", "[::1]:54", "127.0.0.1:53"], 53)
        self.assertEqual(
            found, [ListenAddress("127.0.0.1", 53, V4), ListenAddress("::1", 54, V6)]
        )
        self.assertEqual(list(map(str, found)), ["127.0.0.1:53", "[::1]:54"])

    def test_host_names(self) -> None:
        """All addresses of a name, of both families, with a scope where needed."""

        def lookup(host: str, port: int, type: int) -> list[tuple[object, ...]]:
            self.assertEqual((host, port), ("ns.test", 53))
            return [
                (V6, type, 17, "", ("fe80::1", 53, 0, 3)),
                (V6, type, 17, "", ("fe80::2%eth0", 53, 0, 3)),
                (V6, type, 17, "", ("::1", 53, 0, 0)),
                (V4, type, 17, "", ("192.0.2.1", 53)),
                (socket.AF_UNIX, type, 0, "", ("x",)),
            ]

        self.patch(socket, "getaddrinfo", lookup)
        hosts = [address.host for address in resolve(["ns.test"], 53)]
        self.assertEqual(hosts, ["fe80::1%3", "fe80::2%eth0", "::1", "192.0.2.1"])

    def test_unknown(self) -> None:
        """A name without addresses, and a name that cannot be one."""

        def lookup(*arguments: object, **named: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        for bad in ("a..b", "x" * 64, "a\0b"):
            with self.assertRaises(BindError) as caught:
                resolve([bad], 53)
            self.assertIn("unknown interface", str(caught.exception))
        self.patch(socket, "getaddrinfo", lookup)
        with self.assertRaises(BindError) as caught:
            resolve(["nowhere.test"], 53)
        self.assertEqual(
            str(caught.exception),
            "unknown interface 'nowhere.test': Name or service not known",
        )

    def test_everywhere(self) -> None:
        """Both families, or IPv4 alone where the system has no IPv6."""
        self.assertEqual(everywhere(), ("0.0.0.0", "::"))

        def no_such_family(family: int, kind: int) -> None:
            raise OSError(errno.EAFNOSUPPORT, "no")

        self.patch(socket, "socket", no_such_family)
        self.assertEqual(everywhere(), ("0.0.0.0",))


class BindTests(SynchronousTestCase):
    """Bound sockets."""

    def bound(self, *addresses: ListenAddress) -> list[Listening]:
        """Bind and see to the end of it."""
        found = bind(addresses)
        for listening in found:
            self.addCleanup(listening.close)
        return found

    def test_sockets(self) -> None:
        """Both transports on the same port, non-blocking, one family each."""
        for host, family in (("127.0.0.1", V4), ("::1", V6)):
            (one,) = self.bound(ListenAddress(host, 0, family))
            self.assertEqual(one.udp.getsockname()[:2], (host, one.address.port))
            self.assertEqual(one.tcp.getsockname()[:2], (host, one.address.port))
            self.assertFalse(one.udp.getblocking() or one.tcp.getblocking())
            self.assertTrue(one.tcp.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
            self.assertFalse(one.wildcard)

    def test_both_wildcards_on_one_port(self) -> None:
        """`::` takes IPv6 alone, so 0.0.0.0 can have the same port."""
        (one,) = self.bound(ListenAddress("0.0.0.0", 0, V4))
        (two,) = self.bound(ListenAddress("::", one.address.port, V6))
        self.assertTrue(one.wildcard and two.wildcard)
        self.assertTrue(two.udp.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))

    def test_scope(self) -> None:
        """A scope in the host's text is taken for what it is."""
        (one,) = self.bound(ListenAddress("::1%1", 0, V6))
        self.assertFalse(one.wildcard)

    def test_shares(self) -> None:
        """Several UDP sockets share a port that TCP has for itself."""
        (listening,) = bind([ListenAddress("127.0.0.1", 0, V4)], 3)
        self.addCleanup(listening.close)
        ports = {
            sock.getsockname()[1]
            for sock in (listening.udp, listening.tcp, *listening.others)
        }
        self.assertEqual(ports, {listening.address.port})
        self.assertEqual(len(listening.others), 2)
        with self.assertRaises(BindError):
            bind([listening.address], 3)

    def test_all_or_none(self) -> None:
        """When one port is taken, nothing stays bound, on either transport."""
        for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
            taken = socket.socket(V4, kind)
            self.addCleanup(taken.close)
            # One that is free on the other transport, whoever else runs here.
            port = free_port(("127.0.0.1",))
            taken.bind(("127.0.0.1", port))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            opened: list[Listening] = []

            def keep(
                address: ListenAddress,
                shares: int,
                freebind: bool,
                opened: list[Listening] = opened,
            ) -> Listening:
                opened.append(self.bind_one(address, shares, freebind))
                return opened[-1]

            self.bind_one = sockets._bind_one
            patch = self.patch(sockets, "_bind_one", keep)
            with self.assertRaises(BindError) as caught:
                bind(
                    [
                        ListenAddress("127.0.0.1", 0, V4),
                        ListenAddress("127.0.0.1", port, V4),
                    ]
                )
            patch.restore()
            self.assertEqual(
                str(caught.exception),
                f"cannot listen on 127.0.0.1:{port} ({name}): Address already in use",
            )
            self.assertEqual(len(opened), 1)
            self.assertEqual(opened[0].udp.fileno(), -1)
            self.assertEqual(opened[0].tcp.fileno(), -1)

    def test_http(self) -> None:
        """TCP alone, on all addresses of the interface, or none."""
        ((address, sock),) = bind_http("127.0.0.1")
        self.addCleanup(sock.close)
        self.assertEqual(sock.getsockname(), ("127.0.0.1", address.port))

        def both(interfaces: object, port: int) -> list[ListenAddress]:
            return [ListenAddress("127.0.0.1", 0, V4), address]

        self.patch(sockets, "resolve", both)
        with self.assertRaises(BindError) as caught:
            bind_http("two.test")
        self.assertIn(f"cannot listen on {address} (TCP)", str(caught.exception))

    def test_unknown_address(self) -> None:
        """An address that is not of this host, and none at all."""
        with self.assertRaises(BindError) as caught:
            bind([ListenAddress("192.0.2.1", 0, V4)])
        self.assertIn("Cannot assign requested address", str(caught.exception))
        with self.assertRaises(BindError) as caught:
            bind([ListenAddress("fe80::1%nowhere0", 0, V6)])
        self.assertIn("cannot listen on [fe80::1%nowhere0]:0", str(caught.exception))

    def test_no_such_family(self) -> None:
        """A system without IPv6 says so, in a line."""

        def refuse(family: int, kind: int) -> None:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported")

        self.patch(socket, "socket", refuse)
        with self.assertRaises(BindError) as caught:
            bind([ListenAddress("::", 53, V6)])
        self.assertIn("not supported", str(caught.exception))


class FreebindTests(SynchronousTestCase):
    """Addresses that this host has not got."""

    def test_not_here(self) -> None:
        """They are refused with a hint, or bound with `freebind`."""
        for host, family in (("192.0.2.77", V4), ("2001:db8::77", V6)):
            address = ListenAddress(host, free_port(["127.0.0.1"]), family)
            with self.assertRaises(BindError) as caught:
                bind([address])
            self.assertIn("freebind = true", str(caught.exception))
            (listening,) = bind([address], freebind=True)
            self.addCleanup(listening.close)
            self.assertEqual(listening.udp.getsockname()[0], host)
            (stream,) = bind_http(
                f"[{host}]:0" if family == V6 else f"{host}:0", 0, freebind=True
            )
            self.addCleanup(stream[1].close)
