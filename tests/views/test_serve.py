"""The server: what it answers and to whom, how it ends, and its page in a real browser."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

import numpy as np
import psutil
import pytest
import xarray as xr
from boxes import HEIGHT, THEMES, WIDTHS, faults, set_theme
from models import save_model
from numpy.typing import NDArray
from pages import HOSTILE, MADE, assert_lines, chromium, needs_chromium, wait_for_heads
from playwright.sync_api import Page, Route, expect
from starlette.testclient import TestClient
from stopped import ATTEMPTS, LINE, PROMISED_SECONDS
from synthetic import attention, dataset, exemplars

import attnmetrics
from attnmetrics import views
from attnmetrics.assets import MODELS
from attnmetrics.cli import main
from attnmetrics.errors import ConfigError, ModelError
from attnmetrics.model import load as loading
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.reading import attend, read
from attnmetrics.running.runfile import read_facts
from attnmetrics.storage import locate
from attnmetrics.views.atlas.page import render
from attnmetrics.views.tables import ranking, shown
from attnmetrics.views.text import server as serve

TEXT = "The river rises in the hills, and flows."
SECRET = "nightingale"
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def facts(demo_run: Path) -> dict[str, Any]:
    found = read_facts(locate(demo_run))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def demo() -> Model:
    return load_model(str(MODELS["demo"]))


@pytest.fixture(scope="module")
def client(demo: Model, facts: dict[str, Any]) -> TestClient:
    return TestClient(serve.application("<!doctype html>the atlas", lambda: demo, facts), ADDRESS)


# ---- what it answers


ARRAYS = ("weights", "query", "key")


def content(data: dict[str, Any]) -> dict[str, Any]:
    """What a view holds but for its arrays, as JSON."""
    maps = [{name: value for name, value in one.items() if name not in ARRAYS} for one in data["maps"]]
    neuron = {name: value for name, value in data["neuron"].items() if name not in ARRAYS}
    plain: dict[str, Any] = json.loads(json.dumps(data | {"maps": maps, "neuron": neuron}))
    return plain


@pytest.mark.parametrize(
    ("asked", "view", "options"),
    [
        ({"kind": "head"}, views.head, {}),
        ({"kind": "head", "layer": "2", "head": "1,4"}, views.head, {"layer": 2, "heads": [1, 4]}),
        ({"kind": "model", "layer": "2", "head": "1"}, views.model, {}),
        ({"kind": "neuron", "layer": "3", "head": "5"}, views.neuron, {"layer": 3, "head": 5}),
        ({"kind": "head", "generate": "3"}, views.head, {"generate": 3}),
    ],
)
def test_a_view_holds_what_it_holds_in_python(
    client: TestClient, demo: Model, asked: dict[str, str], view: Any, options: dict[str, Any]
) -> None:
    answer = client.get("/api/view", params={"text": TEXT, **asked})
    assert answer.status_code == 200
    found = answer.json()
    again = dict(parse_qsl(found.pop("ask")))
    assert again == {"text": TEXT} | {name: value for name, value in asked.items() if name == "generate"}
    assert found == content(view(demo, TEXT, **options).data)


def test_arrays_come_when_they_are_asked_for(client: TestClient, demo: Model) -> None:
    found = attend(demo, read(demo, TEXT))
    n, width = found.query.shape[2:]

    def get(what: str, kind: str, **more: object) -> NDArray[Any]:
        answer = client.get(f"/api/{what}", params={"text": TEXT, **more})
        assert answer.headers["content-type"] == "application/octet-stream"
        return np.frombuffer(answer.content, kind)

    layer = get("layer", "<u4", layer=3).reshape(-1, n, n)
    np.testing.assert_allclose(layer / 2**20, found.weights[3], rtol=0, atol=2**-20)
    vectors = get("neurons", "<f4", layer=2).reshape(2, -1, n, width)
    np.testing.assert_array_equal(vectors, [found.query[2], found.key[2]])
    left = get("token", "<f4", side="left", pieces="3,4").reshape(*found.weights.shape[:2], n)
    np.testing.assert_allclose(left, found.weights[:, :, [3, 4]].mean(2), rtol=0, atol=1e-6)
    right = get("token", "<f4", side="right", pieces="1,2").reshape(left.shape)
    np.testing.assert_allclose(right, found.weights[:, :, :, [1, 2]].sum(3), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("path", "asked"),
    [("layer", {"layer": "6"}), ("neurons", {"layer": "x"}), ("token", {"side": "left", "pieces": "99"}),
     ("token", {"side": "up", "pieces": "1"}), ("token", {"side": "left"})],
)  # fmt: skip
def test_arrays_that_are_not_there_are_refused(client: TestClient, path: str, asked: dict[str, str]) -> None:
    answer = client.get(f"/api/{path}", params={"text": TEXT, **asked})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected")


def test_a_text_is_read_once_for_all_its_layers(
    demo: Model, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def counted(model: Model, reading: Any) -> Any:
        passes.append(len(reading.ids))
        return attend(model, reading)

    monkeypatch.setattr("attnmetrics.model.reading.attend", counted)
    client = TestClient(serve.application("", lambda: demo, facts), ADDRESS)
    long = "The river rises in the hills, and flows past the old town. " * 12
    assert client.get("/api/view", params={"kind": "head", "text": long}).status_code == 200
    for layer in range(6):
        assert client.get("/api/layer", params={"text": long, "layer": layer}).status_code == 200
    assert len(passes) == 1 and passes[0] > 200


def test_a_second_text_makes_a_pair(tmp_path: Path, facts: dict[str, Any]) -> None:
    bert = load_model(str(save_model(tmp_path / "bert", "bert", sharp=True)))
    client = TestClient(serve.application("", lambda: bert, facts), ADDRESS)
    found = client.get("/api/view", params={"kind": "head", "text": "Nobody knew.", "second": "Stop!"}).json()
    assert dict(parse_qsl(found.pop("ask"))) == {"text": "Nobody knew.", "second": "Stop!"}
    assert found == content(views.head(bert, ("Nobody knew.", "Stop!")).data)
    assert found["sides"][0]["second"] is not None
    assert client.get("/api/model").json() == {"causal": False, "measured": False}


def test_hostile_text_stays_text(client: TestClient, demo: Model) -> None:
    for text in HOSTILE:
        answer = client.get("/api/view", params={"kind": "head", "text": text})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        found = answer.json()
        assert dict(parse_qsl(found.pop("ask"))) == {"text": text}
        assert found == content(views.head(demo, text).data)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"kind": "heads"}, "expected a view head, model or neuron, found 'heads'"),
        ({"text": ""}, "expected a text with at least one piece, found none; give some text"),
        ({"text": "a " * 300}, "expected at most 256 pieces, which is what .* takes, found .*; give a shorter text"),
        ({"text": "a" * 20_001}, "expected at most 20,000 characters, found 20,001; give a shorter text"),
        ({"second": "a" * 20_000}, "expected at most 20,000 characters, found 20,040"),
        ({"layer": "9"}, "expected a layer that is shown, found 9"),
        ({"head": "0,6"}, "expected a head that is shown, found 6"),
        ({"layer": "-1"}, "expected numbers for layer, found '-1'"),
        ({"generate": "١"}, "expected numbers for generate"),
        ({"generate": "9999999"}, "expected numbers for generate"),
        ({"generate": "300"}, "expected at most 256 pieces, .* and 300 to generate"),
    ],
)
def test_what_cannot_be_drawn_is_said(client: TestClient, asked: dict[str, str], error: str) -> None:
    answer = client.get("/api/view", params={"kind": "head", "text": TEXT, **asked})
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert re.match(error, answer.json()["error"])


def test_the_model_is_loaded_once_it_can_be(facts: dict[str, Any], demo: Model) -> None:
    tries = []

    def load() -> Model:
        tries.append(threading.current_thread().name)
        if len(tries) == 1:
            raise ModelError("no such model; give another")
        return demo

    client = TestClient(serve.application("the atlas", load, facts), ADDRESS)
    assert client.get("/").text == "the atlas"
    assert tries == []
    failed = client.get("/api/model")
    assert (failed.status_code, failed.json()) == (400, {"error": "no such model; give another"})
    for _ in range(2):
        assert client.get("/api/model").json() == {"causal": True, "measured": True}
    assert len(tries) == 2
    assert len(set(tries)) == 1


# ---- to whom


def test_only_this_machine_and_its_own_page_are_answered(client: TestClient) -> None:
    view = {"kind": "head", "text": TEXT}
    for path in ("/", "/api/model", "/api/view"):
        assert client.get(path, params=view, headers={"host": "127.0.0.1:9"}).status_code == 200
        assert client.get(path, params=view, headers={"host": "localhost"}).status_code == 200
        for host in ("attack.test", "127.0.0.1.attack.test", "localhost.attack.test:8000", ""):
            refused = client.get(path, params=view, headers={"host": host})
            assert (refused.status_code, refused.text) == (400, "Invalid host header")
    for site in ("cross-site", "same-site"):
        assert client.get("/api/view", params=view, headers={"sec-fetch-site": site}).status_code == 403
        assert client.get("/", headers={"sec-fetch-site": site}).status_code == 200
    assert client.get("/api/view", params=view, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_answers_cannot_be_framed_kept_or_read_elsewhere(client: TestClient) -> None:
    for path in ("/", "/api/model", "/nowhere"):
        headers = client.get(path, headers={"origin": "http://attack.test"}).headers
        assert "access-control-allow-origin" not in headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)


def test_it_listens_on_the_loopback_interface_only() -> None:
    with serve.listen(0) as place:
        host, port = place.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(ConfigError, match=f"port {port}, found: Address already in use; give another --port"):
            serve.listen(port)


# ---- which model


def test_the_model_is_that_of_the_run(facts: dict[str, Any]) -> None:
    model = serve.model_of(facts)
    assert model.fingerprint == facts["model"]["fingerprint"]
    layers = serve.model_of(
        {"configuration": facts["configuration"] | {"layers": [1, 3], "null_tokens": "none"},
         "model": facts["model"] | {"layers": [1, 3]}}
    )  # fmt: skip
    assert (layers.layers, layers.attends.leading) == ((1, 3), 0)


def test_a_model_that_was_named_from_elsewhere_is_found(
    facts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small").symlink_to(MODELS["demo"])
    monkeypatch.chdir(tmp_path)
    described = load_model("small").describe()
    monkeypatch.chdir("/")
    there = {**facts, "configuration": {**facts["configuration"], "model": "small"}, "model": described}
    assert serve.model_of(there).fingerprint == described["fingerprint"]


def test_another_model_is_refused_by_its_size(facts: dict[str, Any], tmp_path: Path) -> None:
    other = str(save_model(tmp_path / "other", "gpt2"))
    with pytest.raises(
        ModelError, match=r"expected the model of the run, with 6 heads in layers .*; give the --model of the run"
    ):
        serve.model_of(facts, other)
    with pytest.raises(ModelError, match=r"/nowhere.* Give its place as --model, if it is elsewhere$"):
        serve.model_of(facts, "/nowhere")
    trusting = facts | {"configuration": facts["configuration"] | {"trust_remote_code": True}}
    with pytest.raises(ModelError, match=r"elsewhere, --trust-remote-code if you trust it as the run did$"):
        serve.model_of(trusting, "/nowhere")
    with pytest.raises(ModelError, match=r"expected a run\.json that names the run's model"):
        serve.model_of({})


def test_a_folder_from_elsewhere_does_not_decide_that_code_runs(
    facts: dict[str, Any], demo: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(loading, "load_model", lambda name, **options: given.append(options) or demo)
    hostile = facts | {"configuration": facts["configuration"] | {"trust_remote_code": True, "allow_pickle": True}}
    serve.model_of(hostile)
    serve.model_of(facts, trust_remote_code=True, allow_pickle=True)
    assert [(one["trust_remote_code"], one["allow_pickle"]) for one in given] == [(False, False), (True, True)]


# ---- the command


class Served:
    """`attnmetrics serve` as a person starts it."""

    def __init__(self, run: Path) -> None:
        command = [sys.executable, "-m", "attnmetrics", "serve", str(run), "--port", "0"]
        self.process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"atlas: (http://127\.0\.0\.1:\d+/) \(Ctrl\+C ends\)\n", line)
        assert found, line + self.process.stderr.read()
        self.address = found[1]
        self.port = int(found[1].rstrip("/").rpartition(":")[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals) -> tuple[float, int, str]:
        """Seconds until it is over, exit code, and what it said."""
        start = time.monotonic()
        self.process.send_signal(number)
        said = "".join(self.process.communicate(timeout=60))
        return time.monotonic() - start, self.process.returncode, said


@pytest.fixture(scope="module")
def served(demo_run: Path) -> Iterator[Served]:
    with Served(demo_run) as server:
        yield server


def test_port_and_run_are_checked(demo_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve.listen(0) as place, pytest.raises(SystemExit) as ended:
        main(["serve", str(demo_run), "--port", str(place.getsockname()[1])])
    assert ended.value.code == 1
    assert "give another --port, or 0 for a free one" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path), "--port", "0"])
    assert ended.value.code == 1
    assert "no run, or an unfinished one" in capsys.readouterr().err


# ---- its page


@pytest.fixture
def page(served: Served) -> Iterator[Page]:
    """The page; afterwards nothing may have gone wrong, and nobody but the server been asked."""
    requests: list[str] = []
    complaints: list[str] = []
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.on("request", lambda request: requests.append(request.url))
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("dialog", lambda dialog: complaints.append(dialog.message))
        opened.goto(served.address)
        yield opened
    assert [url for url in requests if not url.startswith((served.address, *MADE))] == []
    refused = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    assert [line for line in complaints if line != refused] == []


def type_text(page: Page, text: str) -> None:
    page.fill("textarea >> nth=0", text)
    page.press("textarea >> nth=0", "Enter")


def assert_metrics(page: Page, results: xr.Dataset, layer: int, heads: Sequence[int], inside: str = "aside") -> None:
    """Value and rank of every metric of these heads, and no other head, as in the run's tables."""
    expect(page.locator(f"{inside} .over")).to_have_count(len(heads))
    for head in heads:
        card = page.locator(f'{inside} .over[data-layer="{layer}"][data-head="{head}"]')
        assert card.locator("h3 a").get_attribute("href") == f"#/head/{layer}/{head}"
        found = card.locator(".measure").evaluate_all(
            "all => all.map(one => [one.dataset.metric, one.children[2].textContent, one.children[3].textContent])"
        )
        expected = {
            name: results[name].sel(label)
            for name, label in {
                "null_attention": {}, "variability": {}, "distance": {}, "entropy": {}, "entropy_all": {},
                "entropy_summary": {}, "peak_attention": {}, "output_norm": {}, "output_norm_relative": {},
                "sink_rate": {}, "second_sink": {}, "second_sink_off_null": {}, "distance_deviation": {},
                "dependency_alignment": {"direction": "either"},
                "attention_at_offset": {"offset": 1},
                **{f"{link}_{what}": {} for link in ("repeat", "induction")
                   for what in ("attention", "alignment", "excess")},
            }.items()
        }  # fmt: skip
        assert {name for name, *_ in found} == expected.keys()
        for name, value, rank in found:
            here = expected[name].sel(layer=layer, head=head).item()
            assert value == shown(results[name], here).replace("-", "−")
            labels = {dim: at.item() for dim, at in expected[name].coords.items() if at.ndim == 0}
            by = ranking(results, results[name]).sel(labels)
            own = by.sel(layer=layer, head=head).item()
            ahead = int((by > own).sum())  # of equals, any may be first
            assert ahead < int(rank.rstrip("stndrh")) <= ahead + int((by == own).sum())


@needs_chromium
def test_a_sentence_is_typed_and_seen_in_three_views(page: Page, demo: Model, demo_run: Path) -> None:
    results = attnmetrics.load(demo_run)
    found = attend(demo, read(demo, TEXT)).weights
    page.click("nav >> text=Your sentence")
    type_text(page, TEXT)
    page.wait_for_selector(".look svg.lines", timeout=60_000)
    assert_lines(page, found[0], list(range(6)))
    assert_metrics(page, results, 0, range(6))

    page.select_option("[aria-label=Layer]", label="4")
    page.locator(".square").nth(2).dblclick()
    wait_for_heads(page, [2])
    assert_lines(page, found[4], [2])
    assert_metrics(page, results, 4, [2])
    page.reload()
    page.wait_for_selector(".look svg.lines")
    assert_lines(page, found[4], [2])
    assert page.input_value("textarea >> nth=0") == TEXT

    expect(page.locator(".special li")).to_have_count(5, timeout=60_000)
    page.click("text=Model view")
    page.locator("[aria-label='Layer 1, head 3']").hover()
    assert_metrics(page, results, 1, [3])
    page.click("[aria-label='Layer 1, head 3']")
    assert_lines(page, found[1], [3])
    assert_metrics(page, results, 1, [3], "dialog")
    page.keyboard.press("Escape")

    page.click("text=Neuron view")
    page.click('.plus[data-place="6"]')
    shares = [float(share) for share in page.locator(".share").all_text_contents()]
    np.testing.assert_allclose(shares, found[1, 3, 6, :7], rtol=0, atol=6e-6)
    assert_metrics(page, results, 1, [3])

    assert faults(page) == []

    page.go_back()
    page.wait_for_selector(".cell")
    page.wait_for_load_state("networkidle")
    page.click("[aria-label='Layer 1, head 3']")
    page.click("dialog h3 a")
    expect(page.locator(".page-top h1")).to_have_text("Layer 1 head 3")


@pytest.mark.soak
@needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_of_a_served_page_is_cut_or_over_something_else(page: Page, width: int, theme: str) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.click("nav >> text=Your sentence")
    set_theme(page, theme)
    assert faults(page) == []
    type_text(page, TEXT)
    for view in ("Head view", "Model view", "Neuron view"):
        page.click(f"text={view}")
        page.wait_for_selector(".look .drawing svg", timeout=60_000)
        assert faults(page) == [], view


@needs_chromium
def test_a_page_says_what_went_wrong_and_shows_text_as_text(page: Page) -> None:
    page.goto(f"{page.url}#/try")
    type_text(page, TEXT)
    page.wait_for_selector(".look svg.lines", timeout=60_000)
    type_text(page, "a " * 300)
    expect(page.get_by_role("alert")).to_contain_text("expected at most 256 pieces")
    expect(page.locator(".look")).to_be_hidden()
    hostile = "".join(HOSTILE[:3])
    page.fill("textarea >> nth=0", hostile)
    page.press("textarea >> nth=0", "Shift+Enter")
    page.fill("[aria-label='Pieces to generate']", "3")
    page.press("textarea >> nth=0", "Enter")
    page.wait_for_selector(".look svg.lines")
    expect(page.get_by_role("alert")).to_be_hidden()
    tokens = page.locator(".token[data-side=left]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label').slice(5))"
    )
    assert "".join(tokens).replace(", null", "").startswith(hostile.replace(" ", ""))
    assert sum(token.endswith(", generated") for token in tokens) == 3
    assert page.locator("img").count() == 0
    page.click("text=Add a second text")
    page.fill("[aria-label='Second text']", "And then.")
    page.click("text=Show attention")
    page.wait_for_selector("[aria-label=Sentences]")
    page.fill("textarea >> nth=0", "  ")
    page.click("text=Show attention")
    expect(page.locator(".busy")).to_have_text("Type a sentence first: nothing was asked.")
    expect(page.locator(".look svg.lines")).to_be_visible()


@needs_chromium
def test_a_model_that_is_not_found_is_told_before_anything_is_typed(facts: dict[str, Any]) -> None:
    def load() -> Model:
        raise ModelError("no such model; give another")

    data = dataset()
    nothing = exemplars(data).head(0)
    atlas = render(data, nothing, attention(nothing), facts, served=True)
    client = TestClient(serve.application(atlas, load, facts), ADDRESS)

    def answer(route: Route) -> None:
        found = client.get(urlsplit(route.request.url).path)
        route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.text)

    with chromium() as browser:
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(f"{ADDRESS}/#/try")
        expect(page.get_by_role("alert")).to_have_text("no such model; give another")


# ---- its end


def test_a_signal_ends_it_within_two_seconds_while_it_works(demo_run: Path) -> None:
    ends = []
    for _ in range(ATTEMPTS):
        with Served(demo_run) as server:
            assert {one.laddr.ip for one in server.process.net_connections()} == {"127.0.0.1"}
            with urlopen(f"{server.address}?{SECRET}") as answer:
                assert answer.status == 200
            with socket.create_connection(("127.0.0.1", server.port)) as asking:
                asking.sendall(f"GET /api/view?kind=head&text={SECRET} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                time.sleep(0.5)
                ends.append(server.stop(signal.SIGINT))
                assert asking.recv(1) == b""
        assert ends[-1][1:] == (130, LINE)
        if ends[-1][0] < PROMISED_SECONDS:
            return
    pytest.fail(f"took {min(ends)[0]:.1f} s")
