"""A run by the workflow as its user meets it: checked before, followed, and told when it ends."""
