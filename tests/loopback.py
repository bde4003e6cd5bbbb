"""Servers of our own on loopback, so that no test asks the world."""
import socket
import threading


class NameServer:
    """Says of every name that it does not exist."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            end = 12
            while end < len(query) and query[end]:
                end += query[end] + 1
            question = query[12:end + 5]
            header = query[:2] + b"\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"
            self.socket.sendto(header + question, peer)


class Server:
    """Accepts on loopback and does `act` with each connection."""

    def __init__(self, act):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.act = act
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            self.act(client)
        except OSError:
            pass
        finally:
            client.close()
