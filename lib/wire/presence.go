package wire

// Presence is what a principal writes to principal.json in its data directory
// when it is ready, and removes when it stops. A file whose process is gone
// counts as absent. An empty PublicKey: the principal speaks plaintext.
type Presence struct {
	PID       int    `json:"pid"`
	API       string `json:"api"`
	Logs      string `json:"logs"`
	Live      string `json:"live"`
	PublicKey string `json:"public_key"`
}

// PresenceFile is its name in the data directory.
const PresenceFile = "principal.json"
