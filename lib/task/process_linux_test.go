package task

import "testing"

func TestProcessStatusIsReadWhateverTheProgramIsCalled(t *testing.T) {
	tail := " S 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 10 20"
	for _, name := range []string{"sh", "a b", ") R 1 1", "(()", "\n"} {
		s, err := parseStat([]byte("17 (" + name + ")" + tail))
		if err != nil || s.group != 42 || s.start != 987654 || !s.living() {
			t.Errorf("%q: %+v, %v", name, s, err)
		}
	}
	for _, bad := range []string{"", "17 (sh)", "17 (sh) S 1 x 42 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 1"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
