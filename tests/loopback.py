"""An HTTP server on this machine, for tests."""

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints what went wrong, except that a client broke off its connection: some tests' clients do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
