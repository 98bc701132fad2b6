"""The submission checker: reads a bundle as data, executes nothing, reports every problem with file and line.

First each source is bounded and parsed, then its declarations are read, then every function body is held against the
allow-list, then the modules against each other and the manifest. `synod bundle check` and the chain run this same
function, so what a developer sees is what the chain will say.
"""

from __future__ import annotations

from runtime.bundle.archive import MANIFEST, Bundle
from runtime.bundle.declarations import ModuleDeclaration, RuntimeDeclaration
from runtime.bundle.grammar import Reading, parse_source, read_module
from runtime.bundle.manifest import Manifest, parse_manifest
from runtime.bundle.problems import BundleRefused, Findings, Problem
from runtime.bundle.upgrade import check_upgrade
from runtime.version import RuntimeVersion

__all__ = ["check_bundle", "check_upgrade"]


def check_bundle(bundle: Bundle, *, chain: str | None, host_release: str | None) -> RuntimeDeclaration:
    """What the bundle declares; raises BundleRefused with all problems found.

    `chain` is the chain's name, `host_release` the version of the host; None asks about none in particular.
    """
    manifest = parse_manifest(bundle.file(MANIFEST) or b"")
    problems = _manifest_problems(manifest, chain, host_release)
    readings: list[Reading] = []
    for name, file, is_library in _sources(bundle, manifest):
        findings = Findings(file)
        source = bundle.file(file)
        if source is None:
            problems.append(Problem("missing_source", MANIFEST, 0, f"the source {file} of {name} is not in the bundle"))
            continue
        tree = parse_source(file, source, findings)
        if tree is not None:
            readings.append(read_module(name, file, is_library, tree, findings))
        problems.extend(findings.problems)
    if problems:
        raise BundleRefused(problems)
    declared: list[ModuleDeclaration] = [reading.declaration for reading in readings]
    return RuntimeDeclaration(
        manifest,
        tuple(module for module in declared if not module.is_library),
        tuple(module for module in declared if module.is_library),
    )


def _sources(bundle: Bundle, manifest: Manifest) -> list[tuple[str, str, bool]]:
    """(name, file, is a library) of every source: modules in order, then the rest by name."""
    modules = [(module.name, module.source, False) for module in manifest.modules]
    named = {module.source for module in manifest.modules}
    rest = [(file.removesuffix(".py"), file, True) for file, _ in bundle.files if file not in {*named, MANIFEST}]
    return modules + rest


def _manifest_problems(manifest: Manifest, chain: str | None, host_release: str | None) -> list[Problem]:
    problems = []
    if chain is not None and manifest.chain != chain:
        problems.append(
            Problem("wrong_chain", MANIFEST, 0, f"the bundle is for the chain {manifest.chain!r}, not for {chain!r}")
        )
    if host_release is not None and RuntimeVersion.parse(host_release) < manifest.host:
        problems.append(
            Problem("host_too_old", MANIFEST, 0, f"it needs host release {manifest.host}, this one is {host_release}")
        )
    return problems
