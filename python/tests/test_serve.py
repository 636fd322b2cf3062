"""`hearth-serve` and `hearth serve`, with Triton's own Python client as it is and with bare sockets; nothing is timed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from built import BUILT, needs_build
from torch import Tensor, nn

client = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed; see dev/setup-venv")
utils = pytest.importorskip("tritonclient.utils")

pytestmark = needs_build


class Scaled(nn.Module):
    """Rows that do not depend on each other."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.layer(x), x * 2 + 1


class Centred(nn.Module):
    """Rows that do."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0, keepdim=True)


class Sentences(nn.Module):
    """Texts as the mean of their tokens' vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(200, 12)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.unsqueeze(-1).to(torch.float32)
        mean = (self.table(input_ids) * mask).sum(1) / mask.sum(1)
        return nn.functional.normalize(mean, dim=1)


def command() -> Path:
    assert BUILT is not None
    return BUILT[0]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scaled]:
    folder = tmp_path_factory.mktemp("served")
    torch.manual_seed(0)
    model = Scaled().eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    for name, module in (("scaled", model), ("centred", Centred())):
        program = torch.export.export(module, (torch.randn(4, 8),), dynamic_shapes=({0: batch},))
        torch.export.save(program, folder / f"{name}.pt2")
        subprocess.run(
            [command(), "optimize", folder / f"{name}.pt2", "-o", folder / f"{name}.hearth", "--trials", "0"],
            check=True,
            capture_output=True,
        )
    return folder, model


class Server:
    """A server of its own process on a free port."""

    def __init__(self, *arguments: str | Path, slim: bool = True) -> None:
        program = [command().parent / "hearth-serve"] if slim else [command(), "serve"]
        self.process = subprocess.Popen(
            [*program, *arguments, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None and self.process.stderr is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])
        self.address = f"127.0.0.1:{self.port}"

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://{self.address}{path}", body, named, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text else None


@pytest.fixture(scope="module")
def server(packages: tuple[Path, Scaled]) -> Iterator[Server]:
    folder, _ = packages
    server = Server(folder / "scaled.hearth", f"other:7={folder / 'centred.hearth'}", "--model-control")
    yield server
    assert server.stop() == 0


@pytest.fixture
def triton(server: Server) -> Iterator[Any]:
    with client.InferenceServerClient(server.address, concurrency=8) as connected:
        yield connected


def given(x: numpy.ndarray[Any, Any], binary: bool = True) -> list[Any]:
    tensor = client.InferInput("x", x.shape, utils.np_to_triton_dtype(x.dtype))
    tensor.set_data_from_numpy(x, binary_data=binary)
    return [tensor]


def numbers(rows: int, seed: int = 0) -> numpy.ndarray[Any, Any]:
    return numpy.random.default_rng(seed).standard_normal((rows, 8)).astype(numpy.float32)


def test_tells_what_it_serves(triton: Any) -> None:
    assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready("scaled")
    assert not triton.is_model_ready("nothing")
    assert "binary_tensor_data" in triton.get_server_metadata()["extensions"]
    metadata = triton.get_model_metadata("scaled")
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 8]}]
    assert [port["shape"] for port in metadata["outputs"]] == [[-1, 3], [-1, 8]]
    assert triton.get_model_metadata("other", "7")["versions"] == ["7"]
    # Rows of `centred` depend on each other: nothing is batched there.
    assert triton.get_model_config("scaled")["max_batch_size"] == 32
    assert triton.get_model_config("other")["max_batch_size"] == 0
    assert [entry["state"] for entry in triton.get_model_repository_index()] == ["READY", "READY"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("rows", [1, 5])
def test_answers_are_the_models(triton: Any, packages: tuple[Path, Scaled], binary: bool, rows: int) -> None:
    x = numbers(rows)
    names = [port["name"] for port in triton.get_model_metadata("scaled")["outputs"]]
    outputs = [client.InferRequestedOutput(name, binary_data=binary) for name in names]
    result = triton.infer("scaled", given(x, binary), outputs=outputs, request_id="7")
    with torch.no_grad():
        expected = packages[1](torch.from_numpy(x))
    for name, tensor in zip(names, expected, strict=True):
        numpy.testing.assert_allclose(result.as_numpy(name), tensor.numpy(), rtol=1e-5, atol=1e-6)
    assert result.get_response()["id"] == "7"


def test_classification(triton: Any) -> None:
    x = numpy.array([[1, 9, 2, 8, 3, 7, 4, 6]], numpy.float32)
    name = triton.get_model_metadata("scaled")["outputs"][1]["name"]
    for binary in (True, False):
        output = client.InferRequestedOutput(name, binary_data=binary, class_count=2)
        found = triton.infer("scaled", given(x), outputs=[output]).as_numpy(name)
        assert [text.decode() if isinstance(text, bytes) else text for text in found[0]] == ["19.0:1", "17.0:3"]


def test_tensors_in_shared_memory(triton: Any) -> None:
    memory = pytest.importorskip("tritonclient.utils.shared_memory")
    x = numbers(3)
    name = triton.get_model_metadata("scaled")["outputs"][1]["name"]
    keys = [f"/hearth-test-{os.getpid()}-{place}" for place in ("in", "out")]
    regions = [memory.create_shared_memory_region(key, key, 4096) for key in keys]
    try:
        memory.set_shared_memory_region(regions[0], [x], offset=64)
        for place, key in zip(("in", "out"), keys, strict=True):
            triton.register_system_shared_memory(place, key, 4096)
        status = triton.get_system_shared_memory_status()
        assert [(region["name"], region["key"]) for region in status] == [("in", keys[0]), ("out", keys[1])]
        tensor = client.InferInput("x", x.shape, "FP32")
        tensor.set_shared_memory("in", x.nbytes, offset=64)
        output = client.InferRequestedOutput(name)
        output.set_shared_memory("out", x.nbytes, offset=128)
        triton.infer("scaled", [tensor], outputs=[output])
        found = memory.get_contents_as_numpy(regions[1], numpy.float32, x.shape, offset=128)
        numpy.testing.assert_allclose(found, x * 2 + 1, rtol=1e-6)
        tensor.set_shared_memory("in", x.nbytes, offset=4090)
        with pytest.raises(utils.InferenceServerException, match="shared memory region 'in' has 4096 bytes"):
            triton.infer("scaled", [tensor])
        triton.unregister_system_shared_memory("in")
        with pytest.raises(utils.InferenceServerException, match="region 'in' is not registered"):
            triton.infer("scaled", [tensor])
    finally:
        triton.unregister_system_shared_memory()
        for region in regions:
            memory.destroy_shared_memory_region(region)


def test_requests_that_wait_share_batches(packages: tuple[Path, Scaled]) -> None:
    folder, _ = packages
    served = Server(folder / "scaled.hearth", "--max-batch-size", "8", "--max-queue-delay", "200000")
    try:
        wrong: list[int] = []

        def call(number: int) -> None:
            x = numbers(1, number)
            with client.InferenceServerClient(served.address) as connected:
                name = connected.get_model_metadata("scaled")["outputs"][1]["name"]
                if not numpy.allclose(connected.infer("scaled", given(x)).as_numpy(name), x * 2 + 1):
                    wrong.append(number)

        threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        statistics = served.ask("/v2/models/scaled/stats")[1]["model_stats"][0]
        assert statistics["inference_count"] == 8
        assert statistics["execution_count"] < 8, "some shared a batch"
    finally:
        assert served.stop() == 0


def test_models_are_unloaded_and_loaded(triton: Any, server: Server) -> None:
    triton.unload_model("other")
    assert not triton.is_model_ready("other") and triton.is_server_ready()
    with pytest.raises(utils.InferenceServerException, match="model 'other' is not ready: unloaded"):
        triton.infer("other", given(numbers(2)))
    triton.load_model("other")
    x = numbers(2)
    name = triton.get_model_metadata("other")["outputs"][0]["name"]
    found = triton.infer("other", given(x)).as_numpy(name)
    numpy.testing.assert_allclose(found, x - x.mean(0, keepdims=True), rtol=1e-5, atol=1e-6)
    assert server.ask("/v2/repository/models/nothing/load", b"")[0] == 404


def request(shape: list[int], data: Any, **more: Any) -> bytes:
    tensor = {"name": "x", "shape": shape, "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [tensor | more]}).encode()


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v2/models/none/infer", request([1, 8], [0] * 8), 404, "there is no model 'none'; there are scaled, other"),
        ("/v2/models/scaled/versions/3/infer", b"{}", 404, "model 'scaled' has no version '3'; it has 1"),
        ("/v2/models/scaled/infer", b"{", 400, "the request is not JSON"),
        ("/v2/models/scaled/infer", request([1, 7], [0] * 7), 400, "input 'x' should be f32[s0, 8], but is f32[1, 7]"),
        ("/v2/models/scaled/infer", request([1, 8], [0] * 7), 400, "tensor 'x' has 7 elements, its shape"),
        ("/v2/models/scaled/infer", request([65, 8], [0] * 520), 400, "65"),
        ("/v2/models/scaled/infer", request([1, 8], [0] * 8, name="z"), 400, "the model has no input 'z'"),
        ("/v2/models/scaled/infer", b'{"inputs": []}', 400, "input 'x' is missing"),
        ("/v2/models/scaled/infer", None, 405, "takes POST"),
        ("/v3", None, 404, "there is nothing at /v3"),
    ],
)
def test_bad_requests_get_one_line(server: Server, path: str, body: bytes | None, status: int, message: str) -> None:
    found, answer = server.ask(path, body)
    assert found == status
    assert message in answer["error"] and "\n" not in answer["error"]


def test_limits(packages: tuple[Path, Scaled]) -> None:
    folder, _ = packages
    served = Server(folder / "scaled.hearth", "--max-request-bytes", "1000", "--no-shared-memory", slim=False)
    try:
        status, answer = served.ask("/v2/models/scaled/infer", request([64, 8], [0] * 512))
        assert (status, "the server takes 1000" in answer["error"]) == (413, True)
        assert served.ask("/v2/repository/models/scaled/unload", b"")[0] == 403
        body = json.dumps({"key": "/x", "byte_size": 8}).encode()
        assert served.ask("/v2/systemsharedmemory/region/x/register", body)[0] == 403
        assert served.ask("/v2/models/scaled/infer", request([1, 8], [0] * 8), Content_Encoding="gzip")[0] == 415
        assert served.ask("/v2/models/scaled/infer", request([1, 8], [0] * 8))[0] == 200
    finally:
        assert served.stop() == 0


def test_clients_that_leave_do_no_harm(server: Server) -> None:
    whole = request([1, 8], [0] * 8)
    head = f"POST /v2/models/scaled/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
    for sent in (b"POST", head, head + whole[:20], head + whole, b"\0\xff\r\n\r\n", head[:-2] + b"X: " + b"a" * 99999):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
    assert server.ask("/v2/models/scaled/infer", whole)[0] == 200


def test_what_is_under_way_is_answered_before_the_end(packages: tuple[Path, Scaled]) -> None:
    folder, _ = packages
    served = Server(folder / "scaled.hearth", "--max-queue-delay", "500000")
    whole = request([1, 8], [0] * 8)
    head = f"POST /v2/models/scaled/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head + whole)
        # The server's thread has read the request when it answers one that came later.
        assert served.ask("/v2/health/live")[0] == 200
        assert served.stop() == 0
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.hearth"], 1, "none.hearth"),
        ([], 2, "Missing expected argument"),
        (["a.hearth", "a.hearth"], 2, "version 1 of model 'a' is named twice"),
        (["a.hearth", "--max-batch-size", "0"], 2, "--max-batch-size takes a number from 1 up"),
        (["a.hearth", "--preferred-batch-sizes", "64"], 2, "preferred batch sizes [64] should ascend"),
        (["=a.hearth"], 2, "should be PATH, NAME=PATH or NAME:VERSION=PATH"),
    ],
)
@pytest.mark.parametrize("slim", [True, False])
def test_bad_arguments_get_one_line(arguments: list[str], code: int, message: str, slim: bool) -> None:
    program = [command().parent / "hearth-serve"] if slim else [command(), "serve"]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert message in done.stderr


def test_a_port_that_is_taken_is_named(packages: tuple[Path, Scaled]) -> None:
    folder, _ = packages
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [command().parent / "hearth-serve", folder / "scaled.hearth", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr and len(done.stderr.splitlines()) == 1


FIXTURES = Path(__file__).resolve().parents[2] / "Tests/TokenizersTests/Fixtures"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Sentences]]:
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(1)
    model = Sentences().eval()
    axes = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("tokens", min=1, max=64)}
    example = (torch.ones(3, 5, dtype=torch.int64), torch.ones(3, 5, dtype=torch.int64))
    torch.export.save(torch.export.export(model, example, dynamic_shapes=(axes, axes)), folder / "texts.pt2")
    subprocess.run(
        [command(), "optimize", folder / "texts.pt2", "-o", folder / "texts.hearth", "--trials", "0"],
        check=True,
        capture_output=True,
    )
    server = Server(folder / "texts.hearth", "--tokenizer", f"texts={FIXTURES / 'uncased.json'}")
    yield server, model
    assert server.stop() == 0


def texts() -> tuple[list[str], list[list[int]]]:
    rows = [json.loads(line) for line in (FIXTURES / "uncased.txt").read_text(encoding="utf-8").splitlines()[:20]]
    return [row["text"] for row in rows], [row["ids"] for row in rows]


@pytest.mark.parametrize("coding", ["base64", "float"])
@pytest.mark.parametrize("split", [False, True])
def test_embeddings_with_openai(encoder: tuple[Server, Sentences], coding: str, split: bool) -> None:
    openai = pytest.importorskip("openai", reason="openai is not installed; see dev/setup-venv")
    server, model = encoder
    connected = openai.OpenAI(base_url=f"http://{server.address}/v1", api_key="none")
    assert [found.id for found in connected.models.list()] == ["texts"]
    given, tokens = texts()
    answer = connected.embeddings.create(model="texts", input=tokens if split else given, encoding_format=coding)
    assert answer.usage.prompt_tokens == sum(map(len, tokens))
    for row, ids in zip(answer.data, tokens, strict=True):
        found = row.embedding
        if isinstance(found, str):
            found = numpy.frombuffer(base64.b64decode(found), numpy.float32)
        with torch.no_grad():
            expected = model(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64))[0]
        numpy.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)
    cut = connected.embeddings.create(model="texts", input=given[0], dimensions=4, encoding_format="float")
    assert len(cut.data[0].embedding) == 4


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "'model' should be a string, but is missing"),
        (b'{"model": "none", "input": "a"}', 404, "there is no model 'none'; there are texts"),
        (b'{"model": "texts"}', 400, "'input' should be a text"),
        (b'{"model": "texts", "input": []}', 400, "but is empty"),
        (b'{"model": "texts", "input": [1, "a"]}', 400, "'input[1]' should be a token's number, but is a string"),
        (b'{"model": "texts", "input": ["a", 1]}', 400, "'input[1]' should be a text or a list of tokens"),
        (b'{"model": "texts", "input": [[5, 999]]}', 400, "index"),
        (b'{"model": "texts", "input": "a", "encoding_format": "int8"}', 400, "float or base64, but is 'int8'"),
        (json.dumps({"model": "texts", "input": [[1] * 65]}).encode(), 400, "an input of 65 tokens, more than 64,"),
    ],
)
def test_wrong_requests_for_embeddings(
    encoder: tuple[Server, Sentences], body: bytes, status: int, message: str
) -> None:
    found, answer = encoder[0].ask("/v1/embeddings", body)
    assert found == status
    assert message in answer["error"]["message"] and answer["error"]["type"] == "invalid_request_error"


def test_models_without_a_tokenizer_give_no_embeddings(server: Server) -> None:
    status, answer = server.ask("/v1/embeddings", b'{"model": "scaled", "input": "a"}')
    assert (status, "--tokenizer scaled=" in answer["error"]["message"]) == (400, True)


def test_tokenizers_that_cannot_be_read_are_named(packages: tuple[Path, Scaled], tmp_path: Path) -> None:
    wrong = tmp_path / "tokenizer.json"
    wrong.write_text("{}")
    for argument, message in (
        (f"scaled={wrong}", "'model' of the tokenizer should be an object"),
        ("scaled=/none", "/none"),
        (f"other={wrong}", "there is no model 'other'"),
        ("scaled", "--tokenizer takes NAME=PATH"),
    ):
        program = [command().parent / "hearth-serve", packages[0] / "scaled.hearth", "--port", "0"]
        done = subprocess.run([*program, "--tokenizer", argument], capture_output=True, text=True, timeout=60)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert message in done.stderr


def test_metrics_are_prometheus(server: Server) -> None:
    server.ask("/v2/models/scaled/infer", request([1, 8], [0] * 8))
    with urllib.request.urlopen(f"http://{server.address}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    assert 'hearth_inference_batch_rows_bucket{model="scaled",version="1",le="+Inf"}' in text
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_description_is_kept(packages: tuple[Path, Scaled]) -> None:
    schemathesis = Path(sys.executable).parent / "schemathesis"
    if not schemathesis.exists():
        pytest.skip("schemathesis is not installed; see dev/setup-venv")
    tokenizer = f"scaled={FIXTURES / 'uncased.json'}"
    served = Server(packages[0] / "scaled.hearth", "--model-control", "--tokenizer", tokenizer)
    try:
        options = ["--max-examples", "10", "--seed", "1", "--phases", "coverage,fuzzing", "--no-color"]
        # What agrees with the description need not agree with the model: tensors of other shapes are refused.
        options += ["--exclude-checks", "positive_data_acceptance", "--exclude-path-regex", "unload"]
        done = subprocess.run(
            [schemathesis, "run", f"http://{served.address}/openapi.json", *options],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=packages[0],
        )
        assert done.returncode == 0, done.stdout[-4000:]
        assert " passed" in done.stdout
    finally:
        assert served.stop() == 0
