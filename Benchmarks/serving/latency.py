"""One client's round trips to a model behind `hearth serve`, over one connection with binary tensors.

    python3 Benchmarks/serving/latency.py http://127.0.0.1:8000 minilm --set 1,32 --requests 2000

Prints quantiles of the round trip beside the server's own times of queue and computation, and the round trip of the same bytes to a socket
that answers at once: what the machine itself takes. Inputs are zeros and ones; their shapes are the model's with the free extents set.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from typing import Any

WIDTHS = {"BOOL": 1, "UINT8": 1, "INT8": 1, "INT16": 2, "FP16": 2, "BF16": 2, "INT32": 4, "FP32": 4}


def request(address: str, model: str, extents: list[int]) -> bytes:
    """The bytes of a request: head, JSON and tensors."""
    with urllib.request.urlopen(f"{address}/v2/models/{model}") as answer:
        ports = json.load(answer)["inputs"]
    inputs: list[dict[str, Any]] = []
    tail = b""
    for port in ports:
        free = iter(extents)
        shape = [next(free) if extent < 0 else extent for extent in port["shape"]]
        count = 1
        for extent in shape:
            count *= extent
        width = WIDTHS.get(port["datatype"], 8)
        # Little-endian ones of integers are in range for whatever they index; of floating point they are tiny.
        data = b"\1".ljust(width, b"\0") * count
        parameters = {"binary_data_size": len(data)}
        inputs.append({"name": port["name"], "shape": shape, "datatype": port["datatype"], "parameters": parameters})
        tail += data
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    lines = [
        f"POST /v2/models/{model}/infer HTTP/1.1",
        "Host: localhost",
        f"Inference-Header-Content-Length: {len(head)}",
        f"Content-Length: {len(head) + len(tail)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + head + tail


def exchange(connection: socket.socket, sent: bytes) -> None:
    """Sends a request and reads the whole answer."""
    connection.sendall(sent)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1 << 20)
    head, rest = received.split(b"\r\n\r\n", 1)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields[b"content-length"]) - len(rest)
    while left > 0:
        left -= len(connection.recv(1 << 20))
    if b" 200 " not in head.split(b"\r\n")[0] + b" ":
        raise SystemExit(rest.decode())


def measure(host: str, port: int, sent: bytes, count: int) -> list[float]:
    """Seconds of each round trip, ascending, after a tenth as many that do not count."""
    times = []
    with socket.create_connection((host, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(-count // 10, count):
            start = time.perf_counter()
            exchange(connection, sent)
            if index >= 0:
                times.append(time.perf_counter() - start)
    return sorted(times)


def at_once(sent: bytes, count: int) -> list[float]:
    """As `measure`, of a socket that answers at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            left = len(sent)
            while data := connection.recv(1 << 20):
                left -= len(data)
                if left == 0:
                    left = len(sent)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        return measure("127.0.0.1", server.getsockname()[1], sent, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("model")
    parser.add_argument("--set", default="1", help="the free extents of every input, in order: rows, tokens, …")
    parser.add_argument("--requests", type=int, default=2000)
    arguments = parser.parse_args()
    place = urllib.parse.urlsplit(arguments.address)
    sent = request(arguments.address, arguments.model, [int(text) for text in arguments.set.split(",")])

    def statistics() -> dict[str, Any]:
        with urllib.request.urlopen(f"{arguments.address}/v2/models/{arguments.model}/stats") as answer:
            found: dict[str, Any] = json.load(answer)["model_stats"][0]["inference_stats"]
            return found

    before = statistics()
    times = measure(place.hostname or "127.0.0.1", place.port or 80, sent, arguments.requests)
    after = statistics()
    floor = at_once(sent, arguments.requests)

    def microseconds(values: list[float], share: float) -> float:
        return values[min(int(share * len(values)), len(values) - 1)] * 1e6

    def mean(name: str) -> float:
        return (after[name]["ns"] - before[name]["ns"]) / (after[name]["count"] - before[name]["count"]) / 1e3

    for name, values in (("round trip", times), ("answered at once", floor)):
        quantiles = ", ".join(f"p{int(100 * q)} {microseconds(values, q):.0f}" for q in (0.5, 0.9, 0.99))
        print(f"{name}: {quantiles} µs")
    print(f"server's means: queue {mean('queue'):.0f}, computation {mean('compute_infer'):.0f} µs")


if __name__ == "__main__":
    main()
