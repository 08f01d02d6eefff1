"""The built-in replies, one module for each kind. They use `jero_core.extend` like anybody's."""
