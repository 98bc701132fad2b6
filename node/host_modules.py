"""The host's parts above the runtime room: the only place where governance is plugged into a chain."""

from __future__ import annotations

from governance.module import Governance

HOST_MODULES = (Governance(),)
