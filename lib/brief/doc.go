// Package brief prepares what the machine of lib/run is given and what its
// leases are made of: the id and the checked parameters that a run is started
// with, and the wire.Lease that an agent gets for a leased task, with the values
// of its expressions. A principal and a run without one keep the same rules,
// because both have them from here. It holds no state.
package brief
