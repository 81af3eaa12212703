// Package client is what a Go program imports to trigger, watch and query
// runs; the commands use it too. It finds the principal, proves its key,
// retries while the principal is away, and turns answers into lib/wire's
// types. It prints nothing and decides nothing.
package client
