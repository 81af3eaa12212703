package brief

import "crypto/rand"

// RunIDLen is how many characters a run's id has.
const RunIDLen = 12

// RunID draws an id for a run: 12 characters of [0-9a-z].
func RunID() string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	id := make([]byte, 0, RunIDLen)
	var random [2 * RunIDLen]byte
	for len(id) < cap(id) {
		rand.Read(random[:])
		for _, b := range random {
			// 252 is the largest multiple of 36: above it, the draw would be uneven.
			if b < 252 && len(id) < cap(id) {
				id = append(id, alphabet[b%36])
			}
		}
	}
	return string(id)
}
