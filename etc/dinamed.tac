"""dinamed as an application file: ``twistd -n -y etc/dinamed.tac``.

The list below holds what one would type behind ``twistd dinamed``: edit it for the
place.  As it stands it serves /etc/dinamed/dinamed.toml if there is one, else the
built-in example, on a port of loopback that needs no privileges.
"""

from twisted.application.service import Application

from dinamed.tap import Options, makeService

options = Options()
options.parseOptions(["--interface", "127.0.0.1", "--port", "5300"])

application = Application("dinamed")
makeService(options).setServiceParent(application)
