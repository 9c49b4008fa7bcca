"""The pauses of a service that keeps failing, from the log alone: lines may reach a test late, but not its stamps."""

import re
from datetime import datetime

# An error may have several lines; the stamp is in front of the first, the pause behind the last.
SECONDS = {"ms": 0.001, "s": 1.0}


def failures(server, service, times):
    """[(moment, pause announced)] of the first failures, in seconds; the pause is None for the last of all."""
    found = server.wait_for(
        rf"^(\S+) error {re.escape(service)}: failed.*(?:started again in ([\d.]+) (m?s)|not started again)$", times)
    return [(datetime.fromisoformat(match[1]).timestamp(),
             float(match[2]) * SECONDS[match[3]] if match[2] else None) for _, match in found]


def announced_and_kept(server, service, times):
    """The announced pauses between that many failures; asserts that none was shorter than announced."""
    failed = failures(server, service, times)
    for (moment, pause), (again, _) in zip(failed, failed[1:]):
        assert again - moment >= 0.9 * pause, failed  # what is announced is rounded
    return [pause for _, pause in failed[:-1]]
