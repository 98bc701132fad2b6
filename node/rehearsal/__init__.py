"""The main job: live through governed upgrades on a fresh chain, from publishing a bundle to rolling one back."""
