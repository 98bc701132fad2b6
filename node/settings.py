"""Settings: one TOML file in the home, and environment variables that override it.

Three sections, and one table of keys each (the models below and the rules of chain parameters; `documentation` prints
them all with default and meaning):

- ``[chain]`` and ``[upgrade]`` feed ``synod init`` only. They become genesis, then state, and change by vote. Once a
  chain exists, a key whose value differs from the state is reported at start, and the state wins.
- ``[node]`` is this machine's and can never influence a root.

Numbers are exact: 0.667 is 667/1000. Any key may be overridden by ``SYNOD_<SECTION>_<KEY>`` (SYNOD_NODE_HTTP_PORT).
An unknown key, a wrong type and a value out of bounds are errors that name file, line and the nearest known key; all
problems of a file are reported at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from governance.parameters import GOVERNANCE_PARAMETERS
from node.errors import SettingsInvalid, SettingsMissing, SettingsProblem
from node.settings_source import Source, as_toml, exact, from_text, in_kind
from runtime.parameters import RUNTIME_PARAMETERS, ParameterRule

_MIB = 1024 * 1024
_UPGRADE_OF_RUNTIME = ("timelock_delay", "max_snapshots", "probation", "rollback_window", "record_steps", "max_fanout")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class NodeSettings(_Section):
    """``[node]``: local to this machine."""

    http_host: str = Field("127.0.0.1", min_length=1, description="address the HTTP face listens on")
    http_port: int = Field(8650, ge=0, le=65_535, description="port of the HTTP face; 0 takes any free one")
    http_body_bytes: int = Field(512 * 1024, ge=131_072, le=16 * _MIB, description="largest body of a request")
    log_format: Literal["console", "json"] = Field("console", description="lines for people, or one JSON object each")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    mempool_count: int = Field(20_000, ge=16, le=1_000_000, description="runtime transactions that may wait")
    mempool_bytes: int = Field(32 * _MIB, ge=_MIB, le=1024 * _MIB, description="bytes of those together")
    mempool_nonce_window: int = Field(256, ge=1, le=10_000, description="transactions of one sender that may wait")
    mempool_fee_floor: int = Field(0, ge=0, le=10**18, description="least fee taken here, where above the chain's")
    mempool_replacement_percent: int = Field(10, ge=0, le=1_000, description="more fee that a replacement must offer")
    mempool_lifetime: int = Field(1_000, ge=1, le=10_000_000, description="blocks after which a waiting one is dropped")
    verification_threads: int = Field(2, ge=1, le=64, description="threads that verify signatures")
    verification_gather_ms: int = Field(2, ge=0, le=50, description="longest wait for others to verify together, in ms")
    verification_known: int = Field(65_536, ge=1_024, le=4_000_000, description="verified signatures remembered")
    rehearsal_seconds: int = Field(3_600, ge=1, le=1_000_000, description="longest trial of an upgrade")
    rehearsal_memory_bytes: int = Field(
        4 * 1024 * _MIB, ge=256 * _MIB, le=1024 * 1024 * _MIB, description="most address space of its process"
    )
    keep_blocks: int = Field(
        0, ge=0, le=10**9, description="newest blocks that are kept, never less than the rollback window; 0 keeps all"
    )
    blocks: Literal["timer", "demand"] = Field("timer", description="make blocks on a timer, or when something waits")


class ChainSettings(_Section):
    """``[chain]`` beside the chain parameters: what ``init`` needs and votes never change."""

    name: str = Field("synod-local", pattern="^[a-z][a-z0-9-]{0,31}$", description="name that bundles state")
    block_interval_ms: int = Field(6_000, ge=1, le=600_000, description="milliseconds between blocks on the timer")


UPGRADE_RULES: tuple[ParameterRule, ...] = (
    *(rule for rule in RUNTIME_PARAMETERS if rule.name in _UPGRADE_OF_RUNTIME),
    *GOVERNANCE_PARAMETERS,
)
CHAIN_RULES = tuple(rule for rule in RUNTIME_PARAMETERS if rule.name not in _UPGRADE_OF_RUNTIME)


def _section_of(name: str, base: type[_Section], rules: tuple[ParameterRule, ...]) -> type[_Section]:
    fields: dict[str, Any] = {
        rule.name: (type(rule.default), Field(rule.default, ge=rule.least, le=rule.most, description=rule.meaning))
        for rule in rules
    }
    return create_model(name, __base__=base, **fields)


SECTIONS: dict[str, type[_Section]] = {
    "chain": _section_of("Chain", ChainSettings, CHAIN_RULES),
    "upgrade": _section_of("Upgrade", _Section, UPGRADE_RULES),
    "node": NodeSettings,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything set, defaults included."""

    node: NodeSettings
    chain: ChainSettings
    parameters: Mapping[str, int | Fraction]
    """Every chain parameter for genesis, by name."""
    stated: frozenset[str]
    """The names of those that file or environment state."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A chain parameter that the file states otherwise than the state holds; the state wins."""

    name: str
    file: int | Fraction
    state: int | Fraction

    def __str__(self) -> str:
        both = f"{self.name} is {self.state} in the state and {self.file} in the settings"
        return f"{both}: the state holds, and a vote changes it"


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read the file and the overrides; raises SettingsMissing, or SettingsInvalid with every problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsMissing(str(path)) from None
    except UnicodeDecodeError as reason:
        raise SettingsInvalid((SettingsProblem(str(path), 0, "", f"it is not UTF-8: {reason.reason}"),)) from None
    return parse_settings(text, environment, str(path))


def parse_settings(text: str, environment: Mapping[str, str], path: str = "synod.toml") -> Settings:
    """Settings from TOML text; raises SettingsInvalid with every problem."""
    try:
        document = tomllib.loads(text, parse_float=exact)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as reason:
        raise SettingsInvalid((SettingsProblem(path, 0, "", f"it is not TOML: {reason}"),)) from None
    source = Source(path, text, {section: tuple(model.model_fields) for section, model in SECTIONS.items()})
    values = source.sections(document)
    overrides = source.overrides(environment)
    checked: dict[str, _Section] = {}
    for section, model in SECTIONS.items():
        overridden = overrides.get(section, {})
        kinds = {name: field.annotation for name, field in model.model_fields.items()}
        given = values.get(section, {}) | {key: from_text(kinds[key], raw) for key, raw in overridden.items()}
        try:
            checked[section] = model.model_validate({key: in_kind(kinds[key], value) for key, value in given.items()})
        except ValidationError as wrong:
            source.note(section, wrong, overridden)
    if source.problems:
        raise SettingsInvalid(tuple(source.problems))
    return _settled(checked)


def _settled(checked: Mapping[str, _Section]) -> Settings:
    chain, node = checked["chain"], checked["node"]
    assert isinstance(chain, ChainSettings) and isinstance(node, NodeSettings)
    names = {rule.name: chain for rule in CHAIN_RULES} | {rule.name: checked["upgrade"] for rule in UPGRADE_RULES}
    return Settings(
        node=node,
        chain=chain,
        parameters={name: getattr(section, name) for name, section in names.items()},
        stated=frozenset(name for name, section in names.items() if name in section.model_fields_set),
    )


def differences(settings: Settings, state: Mapping[str, int | Fraction]) -> tuple[Difference, ...]:
    """The stated parameters whose value in ``state`` is another, by name."""
    return tuple(
        Difference(name, settings.parameters[name], state[name])
        for name in sorted(settings.stated)
        if name in state and state[name] != settings.parameters[name]
    )


def documentation() -> str:
    """Every key with its default and meaning, as the text of a settings file that states nothing yet."""
    lines = ["# Settings of a Synod home. Every key is shown with its default; remove the # to state it."]
    for section, model in SECTIONS.items():
        lines += ["", f"# {_ABOUT[section]}", f"[{section}]"]
        lines += [
            f"# {name} = {as_toml(field.default)}  # {field.description}" for name, field in model.model_fields.items()
        ]
    return "\n".join(lines) + "\n"


_ABOUT = {
    "chain": "Read by `synod init` only; afterwards the chain's state holds, and votes change it.",
    "upgrade": "Read by `synod init` only; afterwards the chain's state holds, and votes change it.",
    "node": "This machine's own; never influences what the chain decides.",
}
