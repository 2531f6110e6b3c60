"""The command line: flags, commands, and the way errors are told."""
