// Package workflow turns a workflow file into a checked, immutable definition.
//
// It owns the format: which keys there are, what they may hold, that the tasks
// form a DAG, and how a mistake is told to the person who made it. It takes
// bytes: finding, reading and watching files is the principal's.
package workflow
