"""Files become a deterministic tarball, and a tarball that anybody may have made becomes files."""
