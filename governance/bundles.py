"""Bundles that were proposed: adopted under their hash, and kept on chain as long as anything may need them.

A bundle is needed while an open proposal names it. Once it has been scheduled it is kept for good: its plan may still
activate, a rollback may return to it, and the upgrade history names it whatever became of it; so is the bundle of
genesis. One whose last open proposal ended without a plan goes with that proposal, and who proposes it again publishes
it again. So what rejected proposals leave behind does not grow.
"""

from __future__ import annotations

from governance.tables import BUNDLE_USES, BundleUse
from governance.uploads import take
from runtime.bundle.archive import Bundle
from runtime.bundles import BUNDLES, drop_bundle, store_bundle, stored_bundle
from runtime.host import HostContext
from storage.overlay import Overlay


def adopt(context: HostContext, code_hash: bytes) -> Bundle:
    """The bundle with this hash: already on chain, or put together now from the sender's upload.

    Raises HostRefused as `uploads.take` does.
    """
    overlay = context.overlay
    if overlay.get(BUNDLES, (code_hash,)) is not None:
        return stored_bundle(overlay, code_hash)
    bundle = take(context, code_hash)
    store_bundle(overlay, bundle, context.sender, context.height)
    return bundle


def use(overlay: Overlay, code_hash: bytes) -> None:
    """One more open proposal names a bundle."""
    before = _uses(overlay, code_hash)
    overlay.put(BUNDLE_USES, (code_hash,), before.but(proposals=before.proposals + 1))


def keep_for_good(overlay: Overlay, code_hash: bytes) -> None:
    """A bundle was scheduled, or began the chain."""
    overlay.put(BUNDLE_USES, (code_hash,), _uses(overlay, code_hash).but(kept=True))


def let_go(overlay: Overlay, code_hash: bytes) -> None:
    """A proposal that names a bundle has ended; without another that is open, or a plan, its bytes leave the chain."""
    before = _uses(overlay, code_hash)
    if before.proposals > 1 or before.kept:
        overlay.put(BUNDLE_USES, (code_hash,), before.but(proposals=before.proposals - 1))
        return
    overlay.delete(BUNDLE_USES, (code_hash,))
    drop_bundle(overlay, code_hash)


def _uses(overlay: Overlay, code_hash: bytes) -> BundleUse:
    return overlay.get(BUNDLE_USES, (code_hash,)) or BundleUse()
