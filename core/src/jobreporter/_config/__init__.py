"""The config: a TOML file becomes one frozen `Config`, or one `ConfigError` that names everything wrong with it.

`load` finds and reads the file, `parse` makes records of its tables. A plugin's options are checked and filled in
once the plugin is imported and its options class is known: `check_options`, `resolve_options`, `describe_options`.
Each is imported from its own module, so that a program without a file doesn't import a TOML parser.
"""
