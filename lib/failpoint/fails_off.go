//go:build !failpoint

package failpoint

// Fails marks a place where a test may have something fail.
func Fails(name string) bool { return false }
