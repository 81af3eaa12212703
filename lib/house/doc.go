// Package house has no code: its tests hold the rules of the house, so that
// they are kept by the build and not by memory. They read `go list` and the
// sources, and each names what broke it.
package house
