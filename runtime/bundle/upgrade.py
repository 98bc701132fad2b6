"""Whether one runtime may replace another: the version path, migrations where data must change, ports that stay.

A breaking effect demands the next major version, and notes that name each breaking change by its subject, as the
effect does: `bank.send`, `bank.accounts.balance`, `staking.shares_add_up`, `port purse`, `supply`. What goes with a
removed module need not be named beside it. A name in the notes is a run of ASCII letters, digits and underscores,
joined by single dots: `bank.sender` does not name `bank.send`, and `bank.send.` at the end of a sentence does.

What is not made record by record cannot be grown beforehand, so the chain stands in the activating block while it is
done. A bundle whose `post_upgrade` hooks work there says `requires_pause = true`, and so do its effect and proposal.
One whose migration lets more than `max_fanout` records read one row must say so too: a write to that row just before
the activation leaves them all to it. That is counted in rehearsals, which fail where it was not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from runtime.bundle.archive import MANIFEST
from runtime.bundle.compare import REWRITES, Change, compare_schemas, table_pairs
from runtime.bundle.declarations import MigrationDeclaration, RuntimeDeclaration, TableDeclaration
from runtime.bundle.effect import Effect, effect_of
from runtime.bundle.manifest import PORTS
from runtime.bundle.problems import BundleRefused, Problem
from runtime.bundle.reinstall import reinstall_problems
from storage.record import Schema

_NAME = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")


def check_upgrade(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Effect:
    """The effect of the upgrade; raises BundleRefused with every reason why it may not be.

    A breaking effect demands the next major version and notes that name what breaks. A record that changes so that
    stored rows no longer fit demands a migration of its table from the running schema number, unless its module is
    reinstalled (`runtime.bundle.reinstall`). A migration already done must be deleted.
    """
    effect = effect_of(running, proposed)
    problems = [
        *_version_path(running, proposed, effect),
        *_lost_ports(running, proposed),
        *_renames(running, proposed),
        *_tables(running, proposed),
        *_schema_numbers(running, proposed),
        *_validators(running, proposed),
        *_reverses(running, proposed),
        *_pauses(proposed),
        *reinstall_problems(running, proposed),
    ]
    for migration in proposed.migrations():
        problems.extend(_migration(migration, running, proposed))
    if problems:
        raise BundleRefused(problems)
    return effect


def _version_path(running: RuntimeDeclaration, proposed: RuntimeDeclaration, effect: Effect) -> Iterator[Problem]:
    old, new, problem = running.manifest.version, proposed.manifest.version, proposed.manifest.problem
    if new <= old:
        yield problem("not_newer", "version", f"version {new} does not follow the running {old}; raise it")
    elif not old.can_upgrade_to(new):
        yield problem("skipped_major", "version", f"from {old} the next major is {old.major + 1}; {new} skips one")
    broken = [f"{change.kind} {change.subject}" for change in effect.changes if change.breaking]
    if broken and new.major == old.major:
        message = f"{'; '.join(broken)}: breaking, so the version must be {old.major + 1}.0.0"
        yield problem("breaking_without_major", "version", message)
    notes = proposed.manifest.notes
    if unnamed := unnamed_in(notes, effect):
        code = "notes_incomplete" if notes.strip() else "notes_missing"
        yield problem(code, "notes", f"the notes must name each breaking change; write about {', '.join(unnamed)}")


def unnamed_in(notes: str, effect: Effect) -> tuple[str, ...]:
    """Subjects of breaking changes that the notes do not name, each once; see the top of this file."""
    named = set(_NAME.findall(notes))
    removed = set(effect.of_kind("module_removed"))
    subjects = {
        change.subject: None
        for change in effect.changes
        if change.breaking and (change.subject in removed or change.subject.partition(".")[0] not in removed)
    }
    return tuple(subject for subject in subjects if not named.issuperset(subject.split()))


def _lost_ports(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    for name in PORTS:
        if getattr(running.manifest.ports, name) is not None and getattr(proposed.manifest.ports, name) is None:
            message = f"the running runtime has [ports.{name}]; the host cannot do without it"
            yield proposed.manifest.problem("port_missing", "[ports", message)


def _renames(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    problem = proposed.manifest.problem
    for old, new in proposed.manifest.renames:
        if running.table(old) is None:
            message = f"[renames] names {old!r}, which the running runtime does not have"
            yield problem("unknown_table", f'"{old}"', message)
        if running.table(new) is not None:
            yield problem("table_taken", f'"{old}"', f"[renames] gives the name {new!r}, which a running table has")
        if proposed.table(old) is not None:
            yield problem("table_taken", f'"{old}"', f"[renames] takes {old!r} away, yet the bundle declares it")


def _tables(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    migrated = {migration.table_id: migration for migration in proposed.migrations()}
    for old, new in table_pairs(running, proposed):
        if new.module in proposed.manifest.reinstalled:  # no row goes on
            continue
        file = _file(proposed, new)
        if old.key != new.key and not (new.id in migrated and migrated[new.id].rekeys):
            message = f"{new.id} changes its key: declare a migration that rekeys, or a new table and let users move"
            yield Problem("table_rekeyed", file, new.line, message)
        for name in reused_numbers(old.record, new.record):
            message = f"{new.id}.{name} takes a number at or below one already used; numbers only ascend"
            yield Problem("number_reused", file, new.line, message)
        yield from _rewritten(old, new, migrated.get(new.id), file)


def _rewritten(
    old: TableDeclaration, new: TableDeclaration, migration: MigrationDeclaration | None, file: str
) -> Iterator[Problem]:
    changes = [change for change in compare_schemas(old.record, new.record, new.id) if change.kind in REWRITES]
    if not changes:
        return
    if migration is None:
        what = "; ".join(_phrase(change) for change in changes)
        yield Problem("missing_migration", file, new.line, f"{what}: stored rows must be made anew by a @migration")
        return
    before = {spec.name for spec in old.record.fields}
    for spec in new.record.fields:
        if spec.name not in before and not spec.has_default and spec.name not in migration.sets:
            message = f"the new field {spec.name} of {new.id} must be among what the migration sets"
            yield Problem("field_not_set", migration.file, migration.line, message)


def reused_numbers(old: Schema, new: Schema) -> Iterator[str]:
    """Fields of a new schema whose number is not above every number of the old one, though the old one lacks it."""
    known = {spec.number: spec for spec in old.fields}
    highest = max(known, default=0)
    for spec in new.fields:
        if spec.number not in known and spec.number <= highest:
            yield spec.name
        elif spec.number in known:
            inner = known[spec.number].type.schema
            if inner is not None and spec.type.schema is not None:
                yield from reused_numbers(inner, spec.type.schema)


def _schema_numbers(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    migrating = {migration.module for migration in proposed.migrations()}
    for entry in proposed.manifest.modules:
        old = running.manifest.module(entry.name)
        if old is None:
            continue
        if entry.schema < old.schema:
            message = f"schema of {entry.name} goes back from {old.schema} to {entry.schema}"
            yield proposed.manifest.problem("schema_number", f'"{entry.name}"', message)
        elif entry.name in migrating and entry.schema == old.schema:
            message = f"{entry.name} migrates: raise its schema to {old.schema + 1}"
            yield proposed.manifest.problem("schema_number", f'"{entry.name}"', message)


def _migration(
    migration: MigrationDeclaration, running: RuntimeDeclaration, proposed: RuntimeDeclaration
) -> Iterator[Problem]:
    def problem(code: str, message: str) -> Problem:
        return Problem(code, migration.file, migration.line, message)

    old = next((old for old, new in table_pairs(running, proposed) if new.id == migration.table_id), None)
    if old is None:
        yield problem("unknown_table", f"{migration.table_id} is new: there is nothing to migrate")
        return
    module = running.manifest.module(old.module)
    schema = module.schema if module else 0
    if migration.from_schema != schema:
        yield problem(
            "wrong_from_schema",
            f"{old.module} runs schema {schema}, the migration starts from {migration.from_schema}; "
            "write it from the running schema, and delete those already done",
        )
    for name in _unknown(migration.old_fields, old):
        yield problem("unknown_field", f"the running {old.id} has no field {name!r}")
    for table in migration.reads:
        if running.table(table) is None:
            yield problem("unknown_table", f"reads names {table!r}, which the running runtime does not have")


def _unknown(names: tuple[str, ...], table: TableDeclaration) -> Iterator[str]:
    return (name for name in names if table.record.field(name) is None)


def _validators(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    before = {new.id: old for old, new in table_pairs(running, proposed)}
    for validator in proposed.validators():
        old = before.get(validator.table_id)
        for name in _unknown(validator.old_fields, old) if old else ():
            message = f"the running {validator.table_id} has no field {name!r}"
            yield Problem("unknown_field", validator.file, validator.line, message)


def _reverses(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    before = {new.id: old for old, new in table_pairs(running, proposed)}
    rekeyed = {migration.table_id for migration in proposed.migrations() if migration.rekeys}
    for reverse in proposed.reverses():
        old = before.get(reverse.table_id)
        if old is not None and old.record.digest != reverse.record.digest:
            message = f"{reverse.record.name} must be declared as the record of the running {old.id} is, field by field"
            yield Problem("reverse_record", reverse.file, reverse.line, message)
        if reverse.table_id in rekeyed:
            message = f"a migration rekeys {reverse.table_id}, and a reverse does not know the key to go back to"
            yield Problem("rekeyed_reverse", reverse.file, reverse.line, message)


def _pauses(proposed: RuntimeDeclaration) -> Iterator[Problem]:
    for hook in proposed.hooks("post_upgrade"):
        if not proposed.manifest.requires_pause:
            message = f"{hook.function} runs in the activating block: say requires_pause = true in {MANIFEST}"
            yield Problem("pause_not_declared", hook.file, hook.line, message)


def _file(declaration: RuntimeDeclaration, table: TableDeclaration) -> str:
    module = declaration.module(table.module)
    return module.file if module else MANIFEST


def _phrase(change: Change) -> str:
    return f"{change.kind} {change.subject}"
