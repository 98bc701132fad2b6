"""The submission checker: reads a bundle as data, executes nothing, reports every problem with file and line.

First each source is bounded and parsed, then its declarations are read, then every function body is held against the
allow-list, then the modules against each other and the manifest. `synod bundle check` and the chain run this same
function, so what a developer sees is what the chain will say.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from runtime.bundle.archive import MANIFEST, Bundle, is_tests
from runtime.bundle.bodies import check_body
from runtime.bundle.declarations import ModuleDeclaration, RuntimeDeclaration, SourceKind
from runtime.bundle.effect import Effect
from runtime.bundle.grammar import Reading, parse_source, read_module
from runtime.bundle.manifest import Manifest, parse_manifest
from runtime.bundle.problems import BundleRefused, Findings, Problem
from runtime.bundle.surroundings import Body, surroundings_of
from runtime.bundle.upgrade import check_upgrade
from runtime.bundle.whole import import_problems, whole_problems
from runtime.version import RuntimeVersion

__all__ = ["check_bundle", "check_upgrade", "examine"]


def check_bundle(bundle: Bundle, *, chain: str | None, host_release: str | None) -> RuntimeDeclaration:
    """What the bundle declares; raises BundleRefused with all problems found.

    `chain` is the chain's name, `host_release` the version of the host; None asks about none in particular.
    """
    declaration, found = _judged(bundle)
    if problems := (*_manifest_problems(declaration.manifest, chain, host_release), *found):
        raise BundleRefused(problems)
    return declaration


@lru_cache(maxsize=16)  # bounded: anybody may send a bundle
def _judged(bundle: Bundle) -> tuple[RuntimeDeclaration, tuple[Problem, ...]]:
    """What the bundle declares, and all that is wrong with it for every chain; raises BundleRefused where there is no
    manifest to go by.

    It follows from the bytes alone, and the same bundle is asked about again and again: at its submission, its
    rehearsal, its activation and each start, by every node of a process.
    """
    manifest = parse_manifest(bundle.file(MANIFEST) or b"")
    problems: list[Problem] = []
    readings: list[tuple[Reading, Findings]] = []
    found = _sources(bundle, manifest)
    for name, file, kind in found:
        findings = Findings(file)
        reading = _read(bundle, name, file, kind, findings)
        if reading is None:
            problems.extend(findings.problems)
        else:
            readings.append((reading, findings))
    sources = _judge(readings, manifest)
    problems.extend(problem for _, findings in readings for problem in findings.problems)
    declaration = RuntimeDeclaration(
        manifest,
        tuple(source for source in sources if source.kind == "module"),
        tuple(source for source in sources if source.kind == "library"),
        tuple(source for source in sources if source.kind == "tests"),
    )
    if len(readings) == len(found):
        problems.extend(import_problems(declaration))
    if not problems:
        problems.extend(whole_problems(declaration))
    return declaration, tuple(problems)


def examine(
    bundle: Bundle, running: RuntimeDeclaration, *, chain: str | None, host_release: str | None
) -> tuple[RuntimeDeclaration, Effect]:
    """What a bundle declares and what it would change in the running runtime; raises BundleRefused.

    This is all that the chain asks of a bundle when it is submitted, and so what a check says beforehand. Only a check
    names a `host_release`, that of its own machine: the chain must judge alike on nodes of several releases.
    """
    declaration = check_bundle(bundle, chain=chain, host_release=host_release)
    return declaration, check_upgrade(running, declaration)


def _sources(bundle: Bundle, manifest: Manifest) -> list[tuple[str, str, SourceKind]]:
    """(name, file, kind) of every source: modules in order, then the rest by name."""
    modules: list[tuple[str, str, SourceKind]] = [(one.name, one.source, "module") for one in manifest.modules]
    named = {module.source for module in manifest.modules}
    rest = [file for file, _ in bundle.files if file not in {*named, MANIFEST}]
    return modules + [(file.removesuffix(".py"), file, "tests" if is_tests(file) else "library") for file in rest]


def _read(bundle: Bundle, name: str, file: str, kind: SourceKind, findings: Findings) -> Reading | None:
    source = bundle.file(file)
    if source is None:
        findings.report("missing_source", 0, f"the manifest names it as the source of {name}; it is not in the bundle")
        return None
    tree = parse_source(file, source, findings)
    return None if tree is None else read_module(name, file, kind, tree, findings)


def _judge(readings: list[tuple[Reading, Findings]], manifest: Manifest) -> list[ModuleDeclaration]:
    """Judge every function body; the declarations, with what only bodies tell."""
    everyone = [reading for reading, _ in readings]
    modules = []
    for reading, findings in readings:
        around = surroundings_of(reading, everyone, manifest)
        own = reading.declaration
        for body in _bodies(reading):
            old_fields = check_body(body, around, findings)
            if body.has_old:
                own = _with_old_fields(own, body.node.name, old_fields)
        modules.append(own)
    return modules


def _bodies(reading: Reading) -> list[Body]:
    own, functions = reading.declaration, reading.functions
    bodies = [Body(functions[made.name], "pure") for made in own.functions]
    bodies += [Body(functions[call.name], "call") for call in own.calls]
    bodies += [Body(functions[query.name], "query") for query in own.queries]
    bodies += [Body(functions[hook.function], "health" if hook.kind == "health" else "hook") for hook in own.hooks]
    bodies += [Body(functions[check.function], "validate") for check in own.validators]
    bodies += [Body(functions[back.function], "reverse") for back in own.reverses]
    bodies += [Body(functions[step.function], "migration", step.frozen, step.reads) for step in own.migrations]
    return bodies


def _with_old_fields(module: ModuleDeclaration, function: str, fields: tuple[str, ...]) -> ModuleDeclaration:
    return replace(
        module,
        migrations=tuple(
            replace(made, old_fields=fields) if made.function == function else made for made in module.migrations
        ),
        validators=tuple(
            replace(made, old_fields=fields) if made.function == function else made for made in module.validators
        ),
    )


def _manifest_problems(manifest: Manifest, chain: str | None, host_release: str | None) -> list[Problem]:
    problems = []
    if chain is not None and manifest.chain != chain:
        message = f"the bundle is for the chain {manifest.chain!r}, not for {chain!r}"
        problems.append(manifest.problem("wrong_chain", "chain", message))
    if host_release is not None and RuntimeVersion.parse(host_release) < manifest.host:
        message = f"it needs host release {manifest.host}, this one is {host_release}"
        problems.append(manifest.problem("host_too_old", "host", message))
    return problems
