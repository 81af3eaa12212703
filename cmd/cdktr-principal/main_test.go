package main

import "testing"

func TestHelpNamesEveryFlag(t *testing.T) {
	if missing, err := command.Undocumented(); err != nil || len(missing) > 0 {
		t.Errorf("usage.txt does not name %v (%v)", missing, err)
	}
}
