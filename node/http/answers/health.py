"""How the node and its chain are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from node.http.answers.base import Answer, HashHex, Height, Number


class Runtime(Answer):
    """A runtime: what the chain runs, moved by the chain only."""

    version: str
    code_hash: HashHex
    since: Height = Field(description="The first height it executed.")


class Stop(Answer):
    """The chain paused, or a module isolated."""

    module: str = Field(description="The isolated module; empty for the chain.")
    since: Height
    until: Height | None = Field(description="Its last height; null where only a vote lifts it.")
    reason: str


class Status(Answer):
    """Who this node is and how far it has come."""

    chain_id: str
    chain_name: str
    release: str = Field(description="The installed host software; the chain does not move it.")
    height: Height = Field(description="The last committed height that is on disk.")
    block_id: HashHex
    app_root: HashHex
    host_root: HashHex
    runtime_root: HashHex
    runtime: Runtime
    state: Literal["running", "catching_up", "draining", "stopping"]
    safe_mode: bool = Field(description="The chain is paused: runtime calls wait; governance acts.")
    stops: list[Stop] = Field(description="What does not run for now; empty where nothing is stopped.")
    driver: str = Field(description="Who makes blocks, such as `solo: 1 machine, 4 signatures`.")
    mempool_transactions: Number
    mempool_bytes: Number


class HealthPart(Answer):
    """One thing that health depends on."""

    name: str
    healthy: bool
    detail: str = ""


class Health(Answer):
    """Whether this node works, part by part."""

    healthy: bool
    uptime_seconds: Number
    parts: list[HealthPart]


class ModuleHealth(Answer):
    """What the health hooks of a module said."""

    module: str
    healthy: bool
    hooks: Number = Field(description="How many were asked; a module without any is taken to be well.")
    code: str = Field("", description="Why the first that failed did: `unhealthy`, a refusal or a fault.")
    file: str = Field("", description="The bundle's file of it.")
    line: Number = 0


class ChainHealth(Answer):
    """Whether what runs is well at a height: every module, and every invariant."""

    height: Height
    modules: list[ModuleHealth]
    invariants: list[str] = Field(description="Those in force, the supply among them.")
    broken: list[str] = Field(description="Those that do not hold.")
    looked_at: bool = Field(description="False where they have too many groups to look at in one answer.")


class Readiness(Answer):
    """Whether a load balancer should send traffic here."""

    ready: bool
    reason: str = Field("", description="Why not: catching_up, draining, stopping.")
