"""Loaded runtimes by code hash: each bundle is read from state, checked for form and compiled once.

Blocks and readers ask on threads of their own, and so do several nodes of one process. A loaded runtime never changes,
and what runs of its code share is the code: each run has a meter and a scope of its own.

Which release a runtime needs is no rule of the chain, whose nodes may be of several: it only says who can follow.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock

from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import LoadedRuntime, load
from runtime.bundles import stored_bundle
from runtime.errors import HostTooOld
from runtime.version import RuntimeVersion
from storage.home import RELEASE
from storage.overlay import Overlay


@lru_cache(maxsize=8)  # a chain runs few runtimes; a process may hold many chains
def runtime_of(bundle: Bundle) -> LoadedRuntime:
    """The runtime of a bundle, checked for form and compiled; raises BundleRefused. It follows from the bytes
    alone, so those of the latest bundles are kept."""
    return load(bundle, check_bundle(bundle, chain=None, host_release=None))


class Library:
    """Holds every runtime this process has loaded; several stand side by side."""

    def __init__(self) -> None:
        self._loaded: dict[bytes, LoadedRuntime] = {}
        self._loading = Lock()

    def get(self, overlay: Overlay, code_hash: bytes) -> LoadedRuntime:
        """The runtime of that hash, loaded from the chain's own bytes; raises BundleUnavailable, BundleRefused or
        HostTooOld."""
        found = self._loaded.get(code_hash)
        return found if found is not None else self.add(stored_bundle(overlay, code_hash))

    def add(self, bundle: Bundle) -> LoadedRuntime:
        """The runtime of a bundle that is at hand; raises BundleRefused or HostTooOld."""
        with self._loading:
            found = self._loaded.get(bundle.code_hash)
            if found is None:
                needed = check_bundle(bundle, chain=None, host_release=None).manifest.host
                if RuntimeVersion.parse(RELEASE) < needed:
                    raise HostTooOld(bundle.code_hash, str(needed), RELEASE)
                found = runtime_of(bundle)
                self._loaded[bundle.code_hash] = found
            return found
