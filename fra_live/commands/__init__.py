"""The commands, a file each: parse, call the library, print.

Nothing heavy is imported before a command runs, so that `fra-live --help` is quick.
"""
