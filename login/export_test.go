package login

// LocalPath is localPath.
func LocalPath(path string) string { return localPath(path) }

// Principal is principal.
func Principal(der []byte) string { return principal(der) }
