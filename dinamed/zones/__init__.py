"""Static data: reading master files, the packed name tree, lookup."""
