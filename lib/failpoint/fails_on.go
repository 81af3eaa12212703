//go:build failpoint

package failpoint

// Fails tells, at the hit that the plan names, that what is marked has failed.
func Fails(name string) bool { return name == plan.name && plan.left.Add(-1) == 0 }
