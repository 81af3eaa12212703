// Package timeline lays one run out for a terminal: a row a task, with its
// dependencies as a gutter at the left and its time as a bar at the right.
//
// It is a function from a run, an instant and a width to rows of text with
// roles. It knows no terminal and no colours, asks no clock and fetches nothing.
// Text in a Run must be harmless already (see Fold).
package timeline
