package bus

import (
	"fmt"

	zmq "github.com/pebbe/zmq4"
)

// Pair is a CURVE key pair in Z85, ZeroMQ's text form: 40 characters each.
type Pair struct {
	Public string
	Secret string
}

// NewPair makes a new key pair.
func NewPair() (Pair, error) {
	public, secret, err := zmq.NewCurveKeypair()
	if err != nil {
		return Pair{}, fmt.Errorf("make a key pair: %w", err)
	}
	return Pair{Public: public, Secret: secret}, nil
}
