// Package ui is the screen that a team keeps open: runs, one run with its
// timeline and logs, workflows, logs, agents, principals.
//
// One model, app, owns the terminal: it draws what is around the screens, keeps
// the stack of them, and hands input to the top one. A screen is one file (see
// screen.go). All data is in one world, which a session with a principal feeds;
// screens are windows over it. Nothing here decides anything: each action is a
// request to the principal, and what comes of it is shown.
//
// Update never waits. What takes time is a command with a deadline, or a stream
// whose news arrive in batches, some thirty a second at most.
package ui
