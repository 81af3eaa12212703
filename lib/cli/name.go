package cli

import "errors"

// Name is a flag's value that must not be empty. Else a shell variable that is
// not set would count as if the flag were not there.
type Name string

// UnmarshalFlag reads a flag.
func (n *Name) UnmarshalFlag(text string) error {
	if text == "" {
		return errors.New("it is empty")
	}
	*n = Name(text)
	return nil
}
