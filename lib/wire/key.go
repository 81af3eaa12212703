package wire

// KeyGrant lets the holder of a key in, from now on. The pair is made by who
// asks: the secret part never travels. The same again is no error.
type KeyGrant struct {
	Header
	Name      string `json:"name"`
	Role      string `json:"role"`       // admin, agent, operator or viewer
	PublicKey string `json:"public_key"` // Z85
}

// KeyGranted answers KeyGrant with what the holder must know. A host of
// 0.0.0.0 in API: use the one that you dialled.
type KeyGranted struct {
	PrincipalKey string `json:"principal_key"`
	API          string `json:"api"`
}

// KeyRevoke ends at once what the holder may do: its agents are lost, its
// subscriptions end.
type KeyRevoke struct {
	Header
	Name string `json:"name"`
}

// KeyList asks for a page of keys, by name.
type KeyList struct {
	Header
	Cursor string `json:"cursor,omitempty"`
}

// Key is a key that is let in.
type Key struct {
	Name      string `json:"name"`
	Role      string `json:"role"`
	PublicKey string `json:"public_key"`
}

// Keys answers KeyList.
type Keys struct {
	Keys   []Key  `json:"keys"`
	Cursor string `json:"cursor,omitempty"`
}
