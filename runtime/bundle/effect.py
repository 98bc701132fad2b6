"""The effect of an upgrade: all that its bundle changes in declarations, fixed at submission and named by every vote.

It is a function of the two declarations alone. The node computes it again at activation: if it is another one, what
was voted on is not what would happen, and the upgrade fails.
"""

from __future__ import annotations

from hashlib import sha256

from runtime.bundle.compare import compare, kept_invariants
from runtime.bundle.declarations import RuntimeDeclaration
from storage.codec import codec_of
from storage.record import Amount, Flag, Record, Text, field

_TAG = b"synod/effect/"


class EffectChange(Record):
    """One change; see runtime.bundle.compare for the kinds."""

    kind: Text = field(1)
    subject: Text = field(2)
    detail: Text = field(3, default="")
    breaking: Flag = field(4, default=False)


class Effect(Record):
    """What an upgrade changes. Subjects are full names, `bank.accounts`."""

    from_version: Text = field(1)
    to_version: Text = field(2)
    changes: tuple[EffectChange, ...] = field(3, default=())
    invariants_kept: tuple[Text, ...] = field(4, default=())
    minted: Amount = field(5, default=0)
    """Units that the migrations are declared to add to the supply."""
    burnt: Amount = field(6, default=0)

    @property
    def breaking(self) -> bool:
        """Whether any change breaks those who use the running runtime."""
        return any(change.breaking for change in self.changes)

    @property
    def one_way(self) -> bool:
        """Whether a migration declares no reverse, so that nothing can prove that it loses nothing. A table that goes,
        or gets another key, is breaking anyway."""
        return bool(self.of_kind("migration_one_way"))

    @property
    def needs_more_votes(self) -> bool:
        """Whether it takes the higher threshold of the breaking track."""
        return self.breaking or self.one_way

    @property
    def supply_change(self) -> int:
        """Units added to the supply; negative when burnt."""
        return self.minted - self.burnt

    @property
    def digest(self) -> bytes:
        """32 bytes that stand for the whole effect."""
        return sha256(_TAG + codec_of(Effect).encode(self)).digest()

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Subjects of the changes of these kinds."""
        return tuple(change.subject for change in self.changes if change.kind in kinds)

    @property
    def invariants_dropped(self) -> tuple[str, ...]:
        return self.of_kind("invariant_dropped")

    @property
    def invariants_added(self) -> tuple[str, ...]:
        return self.of_kind("invariant_added")

    @property
    def tables_migrated(self) -> tuple[str, ...]:
        return self.of_kind("table_migrated")

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """(class, change, subject and detail) to print, breaking ones first."""
        listed = [
            ("breaking" if change.breaking else "safe", change.kind.replace("_", " "), _phrase(change))
            for change in self.changes
        ]
        return tuple(sorted(listed, key=lambda row: row[0] != "breaking"))


def _phrase(change: EffectChange) -> str:
    return f"{change.subject} ({change.detail})" if change.detail else change.subject


def effect_of(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Effect:
    """The effect of replacing one runtime by another."""
    coins = proposed.manifest.supply_change
    return Effect(
        from_version=str(running.manifest.version),
        to_version=str(proposed.manifest.version),
        changes=tuple(
            EffectChange(kind=change.kind, subject=change.subject, detail=change.detail, breaking=change.breaking)
            for change in compare(running, proposed)
        ),
        invariants_kept=kept_invariants(running, proposed),
        minted=max(coins, 0),
        burnt=max(-coins, 0),
    )


def effect_digest(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> bytes:
    """The digest of `effect_of`."""
    return effect_of(running, proposed).digest
