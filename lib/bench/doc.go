// Package bench measures the real commands against the budgets of the design,
// beside what the machine itself can do: a spawn, a durable commit, a round
// trip. `make bench` prints the table; no test fails on a time.
package bench
