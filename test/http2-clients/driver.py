"""A WebSocket over HTTP/2 with PyPI's h2: connects, has a text, 70,000 octets and a Close echoed; prints JSON."""

import json
import os
import socket
import sys

import h2
import h2.config
import h2.connection
import h2.events
import h2.settings


def frame(opcode, payload):
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0xFE]) + size.to_bytes(2, "big")
    else:
        head += bytes([0xFF]) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    return head + mask + bytes(octet ^ mask[i & 3] for i, octet in enumerate(payload))


def echo_of(opcode, payload):
    size = len(payload)
    if size < 126:
        return bytes([0x80 | opcode, size]) + payload
    if size < 65536:
        return bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big") + payload
    return bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big") + payload


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.received = b""
        self.response = None
        self.ended = False
        self.code = None
        self.settings = None
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def pump(self):
        octets = self.socket.recv(65536)
        if octets == b"":
            self.ended = True
            return
        for event in self.h2.receive_data(octets):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self.settings = self.h2.remote_settings
            elif isinstance(event, h2.events.ResponseReceived):
                self.response = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.received += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended = True
            elif isinstance(event, h2.events.StreamReset):
                self.ended = True
                self.code = event.error_code
        self.flush()

    def send(self, stream, octets):
        while octets:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(octets))
            if room == 0:
                self.pump()
                continue
            self.h2.send_data(stream, octets[:room])
            octets = octets[room:]
            self.flush()

    def exchange(self, stream, opcode, payload):
        self.send(stream, frame(opcode, payload))
        expected = echo_of(opcode, payload)
        while len(self.received) < len(expected) and not self.ended:
            self.pump()
        right = self.received == expected
        self.received = b""
        return right


def main(port):
    client = Client(port)
    while client.settings is None:
        client.pump()
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(
        stream,
        [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", f"127.0.0.1:{port}"),
            ("sec-websocket-version", "13"),
        ],
    )
    client.flush()
    while client.response is None and not client.ended:
        client.pump()
    seen = {
        "version": h2.__version__,
        "connectProtocol": client.settings.enable_connect_protocol == 1,
        "status": client.response and client.response[":status"],
        "text": client.exchange(stream, 1, "hällo".encode()),
        "binary": client.exchange(stream, 2, os.urandom(70_000)),
        "close": client.exchange(stream, 8, (4001).to_bytes(2, "big") + b"bye"),
    }
    while not client.ended:
        client.pump()
    client.h2.end_stream(stream)
    client.flush()
    seen["ended"] = "END_STREAM" if client.code is None else f"RST_STREAM {client.code}"
    client.h2.close_connection()
    client.flush()
    print(json.dumps(seen))


main(int(sys.argv[1]))
