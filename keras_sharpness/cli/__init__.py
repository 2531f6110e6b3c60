"""The command line: flags, commands, and one line for an error."""
