//go:build !failpoint

package failpoint

// Hit marks a place where a test may kill the process.
func Hit(name string) {}
