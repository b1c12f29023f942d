"""A TCP proxy before PostgreSQL that breaks what goes through it, as networks do."""

import random
import socket
import threading


class Proxy:
    """Listens on a port of its own. What it does is set by `mode`, also for connections that are open."""

    def __init__(self, target):
        self.target = target
        self.mode = "pass"
        self.share = 0.0
        self.cuts = 0
        self.pairs = set()
        self.changed = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def passes(self):
        self.set("pass")

    def swallows(self):
        """Keeps connections open, and carries nothing: a cut cable."""
        self.set("swallow")

    def refuses(self):
        """Closes what is open and what comes: nobody listens any more."""
        self.set("refuse")
        for pair in list(self.pairs):
            self.close(pair)

    def cuts_some(self, share):
        """Closes a connection at this share of all packets: before they arrive, in their middle, or before the answer."""
        self.share = share
        self.set("cut")

    def set(self, mode):
        with self.changed:
            self.mode = mode
            self.changed.notify_all()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.mode == "refuse":
                client.close()
                continue
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            self.pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self.carry, args=(pair, source, sink), daemon=True).start()

    def carry(self, pair, source, sink):
        try:
            while packet := source.recv(65536):
                with self.changed:
                    self.changed.wait_for(lambda: self.mode != "swallow")
                if self.mode == "cut" and random.random() < self.share:
                    self.cuts += 1
                    # all, half or nothing of it arrives
                    sink.sendall(packet[:random.choice((0, len(packet) // 2, len(packet)))])
                    break
                sink.sendall(packet)
        except OSError:
            pass
        self.close(pair)

    def close(self, pair):
        self.pairs.discard(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
