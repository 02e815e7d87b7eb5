package login

// LocalPath is localPath.
func LocalPath(path string) string { return localPath(path) }
