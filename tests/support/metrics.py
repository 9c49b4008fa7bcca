"""Reads `/metrics` with Prometheus' own parser."""

import time

from prometheus_client.parser import text_string_to_metric_families

from natterjack import DEADLINE_S
from raw_http import get


class Metrics:
    """One scrape: families by name, samples by name and labels."""

    def __init__(self, text):
        self.families = {}
        self.samples = {}
        for family in text_string_to_metric_families(text):
            assert family.name not in self.families, f"{family.name} stands twice"
            self.families[family.name] = family
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.samples, f"{key} stands twice"
                self.samples[key] = sample.value

    def value(self, name, **labels):
        """The sample with exactly these labels; 0 if there is none."""
        return self.samples.get((name, frozenset(labels.items())), 0)

    def total(self, name, **labels):
        """The sum of all samples that have these labels among theirs."""
        wanted = set(labels.items())
        return sum(value for (found, of), value in self.samples.items()
                   if found == name and wanted <= of)


def scrape(port, path="/metrics"):
    answer = get(port, path)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Metrics(answer.body.decode())


def await_metrics(port, condition, timeout=DEADLINE_S):
    """Scrapes until the condition holds; returns that scrape."""
    end = time.monotonic() + timeout
    while True:
        found = scrape(port)
        if condition(found):
            return found
        assert time.monotonic() < end, "\n".join(
            f"{name} {dict(labels)} {value}" for (name, labels), value in found.samples.items())
        time.sleep(0.02)
