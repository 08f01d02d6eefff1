"""The built-in sources, one module for each argument name. They use `jero_core.extend` like anybody's."""
