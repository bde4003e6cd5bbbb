"""A client of HTTP/2 and nothing else, for tests: one request at a time on a connection.

Frames are made and read here (RFC 9113); what reads their fields is libnghttp2's HPACK.
"""
import ctypes
import ctypes.util
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 5, 6, 7, 8, 9)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
EMIT, FINAL = 2, 1


class Field(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_char)),
                ("value", ctypes.POINTER(ctypes.c_char)),
                ("name_len", ctypes.c_size_t), ("value_len", ctypes.c_size_t),
                ("flags", ctypes.c_uint8)]


class Fields:
    """Reads header blocks, in order."""

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("nghttp2") or "libnghttp2.so.14")
        self.lib.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.lib.nghttp2_hd_inflate_hd2.argtypes = [
            ctypes.c_void_p, ctypes.POINTER(Field), ctypes.POINTER(ctypes.c_int),
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
        self.lib.nghttp2_hd_inflate_end_headers.argtypes = [ctypes.c_void_p]
        self.lib.nghttp2_hd_inflate_del.argtypes = [ctypes.c_void_p]
        self.inflater = ctypes.c_void_p()
        if self.lib.nghttp2_hd_inflate_new(ctypes.byref(self.inflater)) != 0:
            raise MemoryError("nghttp2_hd_inflate_new")

    def read(self, block):
        found = []
        while True:
            field, flags = Field(), ctypes.c_int(0)
            n = self.lib.nghttp2_hd_inflate_hd2(self.inflater, ctypes.byref(field),
                                                ctypes.byref(flags), block, len(block), 1)
            if n < 0:
                raise ValueError(f"HPACK: {n}")
            block = block[n:]
            if flags.value & EMIT:
                found.append((ctypes.string_at(field.name, field.name_len).decode(),
                              ctypes.string_at(field.value, field.value_len).decode()))
            if flags.value & FINAL:
                self.lib.nghttp2_hd_inflate_end_headers(self.inflater)
                return found
            if not flags.value & EMIT and not block:
                return found

    def close(self):
        self.lib.nghttp2_hd_inflate_del(self.inflater)


def text(value):
    """A string without Huffman's coding (RFC 7541 section 5.2)."""
    value = value.encode()
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, out = len(value) - 127, b"\x7f"
    while rest >= 128:
        out, rest = out + bytes([rest % 128 | 128]), rest // 128
    return out + bytes([rest]) + value


class Http2:
    """On a TLS socket that agreed to h2; closed by whoever opened it."""

    def __init__(self, tls):
        self.tls, self.stream, self.fields = tls, 1, Fields()
        tls.sendall(PREFACE + self.frame(SETTINGS, 0, 0, b""))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags,
                                                                 stream) + payload

    def take(self, n):
        data = b""
        while len(data) < n:
            piece = self.tls.recv(n - len(data))
            if not piece:
                raise ConnectionError("closed in the middle of a frame")
            data += piece
        return data

    def request(self, method, host, path, body=None):
        """Status, {field: value}, body."""
        words = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
        if body is not None:
            words.append(("content-type", "application/x-www-form-urlencoded"))
        block = b"".join(b"\0" + text(name) + text(value) for name, value in words)
        ends = END_STREAM if body is None else 0
        self.tls.sendall(self.frame(HEADERS, END_HEADERS | ends, self.stream, block))
        if body is not None:
            self.tls.sendall(self.frame(DATA, END_STREAM, self.stream, body))
        answer = self.answer()
        self.stream += 2
        return answer

    def answer(self):
        block, fields, body = b"", {}, b""
        while True:
            head = self.take(9)
            size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            stream = int.from_bytes(head[5:], "big")
            payload = self.take(size)
            if kind == SETTINGS and not flags & ACK:
                self.tls.sendall(self.frame(SETTINGS, ACK, 0, b""))
            elif kind in (RST_STREAM, GOAWAY):
                raise ConnectionError(f"frame {kind}: {payload.hex()}")
            elif kind in (HEADERS, CONTINUATION) and stream == self.stream:
                block += payload
                if flags & END_HEADERS:
                    fields.update(self.fields.read(block))
                    block = b""
            elif kind == DATA and stream == self.stream:
                body += payload
            if kind in (HEADERS, DATA) and stream == self.stream and flags & END_STREAM:
                return int(fields[":status"]), fields, body
