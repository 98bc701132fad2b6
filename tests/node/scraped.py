"""GET /metrics as monitoring reads it."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Scraped:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        self._values = {(one.name, frozenset(one.labels.items())): one.value for one in samples}
        self._labels = [(one.name, one.labels) for one in samples]

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series, None where there is none."""
        return self._values.get((f"synod_{name}", frozenset(labels.items())))

    def labels(self, name: str) -> list[Mapping[str, str]]:
        """The labels of every series of a name."""
        return [labels for found, labels in self._labels if found == f"synod_{name}"]


def scrape(http: httpx.Client) -> Scraped:
    """Ask a node."""
    answer = http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.status_code == 200
    return Scraped(answer.text)
