"""A bundle read, held against the running runtime as the chain will, and proposed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from governance.admission import plan_of
from governance.proposals import RuntimeUpgrade
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import examine
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.effect import Effect
from storage.home import RELEASE

from .bundles import read
from .comparison import effect_data
from .console import Answer, note
from .identities import Signer
from .proposing import propose, publish, rules_for
from .signing import Desk, told
from .uncommitted import uncommitted, warning


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle that may be proposed, and what it would change."""

    bundle: Bundle
    declaration: RuntimeDeclaration
    effect: Effect
    uncommitted: tuple[str, ...]
    """Files that no commit holds."""

    @classmethod
    def of(cls, desk: Desk, path: Path) -> Self:
        """The bundle of a folder or an archive; raises BundleRefused with everything that the chain would refuse."""
        chain = str(desk.client.identity()["chain_name"])
        bundle = read(path, chain)
        declaration, effect = examine(bundle, desk.runtime.declaration, chain=chain, host_release=RELEASE)
        return cls(bundle, declaration, effect, tuple(uncommitted(bundle, path)))


def upgrade_content(desk: Desk, found: Examined, track: str, delay: int | None, estimate: int | None) -> RuntimeUpgrade:
    """What is proposed: by default it takes effect when its track's timelock is over."""
    plan = plan_of(desk.runtime.declaration, found.declaration).but(estimated_duration=1000 * (estimate or 0))
    content = RuntimeUpgrade(
        version=str(found.declaration.manifest.version),
        code_hash=found.bundle.code_hash,
        effect=found.effect.digest,
        activation_delay=delay or 0,
        plan=(plan,),
    )
    if delay is None:
        content = content.but(activation_delay=int(rules_for(desk.client.tracks(), track, content)["timelock"]))
    return content


def propose_upgrade(
    desk: Desk,
    signer: Signer,
    found: Examined,
    words: dict[str, str],
    deposit: int | None,
    delay: int | None,
    estimate: int | None,
) -> Answer:
    """Publish the bundle and propose it; says which of its files no commit holds."""
    if found.uncommitted:
        note(warning(found.uncommitted))
    published = told(publish(desk, signer, found.bundle))
    if published.exit:
        return published
    content = upgrade_content(desk, found, words["track"], delay, estimate)
    manifest = found.declaration.manifest
    title = words["title"] or f"Run {manifest.name} {manifest.version}"
    answer = propose(desk, signer, {**words, "title": title}, content, deposit)
    named: dict[str, Any] = {
        "code_hash": found.bundle.code_hash.hex(),
        "effect": effect_data(found.effect),
        "uncommitted": found.uncommitted,
    }
    return Answer({**answer.data, **named}, answer.text, answer.exit)
