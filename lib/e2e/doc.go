// Package e2e has nothing but tests: of CDKTR as its users have it. Real
// commands, real sockets, a real history, each installation in a directory of
// its own; lib/harness starts them. What is a session at a terminal is a script
// in testdata, the rest is Go.
//
// A test is named after the promise that it guards. None fails on a time that
// a busy machine could miss: tests wait for conditions, and what tasks must do
// at once they prove by meeting each other (see meet).
package e2e
