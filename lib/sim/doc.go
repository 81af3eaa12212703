// Package sim is a seeded world around lib/run: a principal that commits and
// dies, agents that work, freeze and restart, clients that try again, and a
// network between them that loses, doubles, delays and reorders. After every
// step a judge holds the log against the promises of docs/architecture.md.
//
// One seed is one history, the same each time. Nothing here is linked into a
// program; History, the judge of the log alone, also serves tests that run the
// real ones.
package sim
