"""Files that appear whole or not at all, are safe to unpack, and know whether they are still whole."""
