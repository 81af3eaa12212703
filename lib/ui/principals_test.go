package ui

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// several are principals by their names; one that is not there has no key.
type several map[string]*fake

func (all several) open(name string) (Principal, error) {
	if f := all[name]; f != nil {
		return f, nil
	}
	return nil, errors.New("no such key")
}

func abroad(t *testing.T, w, h int) (*stage, several) {
	all := several{"prod-eu": plenty(), "prod-us": newFake(), "staging": newFake(), "old": newFake()}
	all["prod-us"].status.OpenRuns, all["prod-us"].status.Agents = 12, 3
	all["staging"].away = true
	all["old"].refuse[wire.OpStatus] = &wire.Error{Code: wire.NotAllowed, Message: "the key was revoked"}
	var known []Known
	for i, name := range []string{"prod-eu", "prod-us", "staging", "old", "lost-key"} {
		known = append(known, Known{Name: name, Address: fmt.Sprintf("tcp://10.0.0.%d:5561", i+1)})
	}
	s := newStageWith(t, all["prod-eu"], w, h, Options{Known: known, Open: all.open})
	s.until("the lists", func() bool { return s.a.k.world.loaded && s.a.k.world.known.agents && s.a.k.world.known.workflows })
	s.keys("@")
	return s, all
}

func TestPrincipalsScreenInItsStates(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("principals-%s-%d", state, w) }
		s, all := abroad(t, w, h)
		s.until("all answers", func() bool { return len(s.a.top().(*principalsScreen).heard) == 4 })
		s.see("refuses")
		s.golden(name("full"))
		s.keys("/", "prod", "enter")
		s.golden(name("filtered"))
		s.keys("esc", "/", "nothing like it", "enter")
		s.golden(name("nomatch"))
		s.keys("esc")
		all["prod-eu"].change(func() { all["prod-eu"].away = true })
		s.see("○ lost")
		s.golden(name("lost"))
		s.a.top().(*principalsScreen).heard = map[string]*greeting{}
		s.golden(name("loading"))

		s = at(t, newFake(), "5", w, h)
		s.see("config.yaml")
		s.golden(name("empty"))
	})
}

func TestPrincipalIsChangedWhileTheCurrentOneIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, press := range []string{"enter", "@"} {
			s, all := abroad(t, 120, 36)
			all["prod-eu"].change(func() { all["prod-eu"].away = true })
			s.see("○ lost")
			s.keys("j")
			s.until("the answer", func() bool { return s.a.top().(*principalsScreen).heard["prod-us"] != nil })
			s.keys(press)
			s.see("prod-us ● connected")
			s.gone("p0w8c4t2h6ze") // runs of the one before
			s.keys("@", "g", "enter")
			s.see("prod-eu ○ away")
			all["prod-eu"].change(func() { all["prod-eu"].away = false })
			s.see("p0w8c4t2h6ze")
		}
	})
}

func TestPrincipalsAreAskedAgainAndNoneTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, all := abroad(t, 80, 24)
		screen := s.a.top().(*principalsScreen)
		s.until("the answers", func() bool { return len(screen.heard) == 4 })
		must(t, screen.state("staging").word == "away", screen.state("staging").word)
		all["staging"].change(func() { all["staging"].away = false })
		s.wait(greetEvery + time.Second)
		s.until("staging there", func() bool { return screen.state("staging").word == "there" })
		screen.greet()
		must(t, screen.greet() == nil, "they are asked while they are being asked")
	})
}

func TestOneCanComeBackToAPrincipalWithoutAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := several{"local": plenty(), "prod": newFake()}
		s := newStageWith(t, all["local"], 80, 24, Options{Name: "local", Known: []Known{{Name: "prod", Address: "tcp://a:1"}}, Open: all.open})
		s.see("local ● connected")
		s.keys("@", "j", "enter")
		s.see("prod ● connected")
		s.keys("@", "k", "enter")
		s.see("local ● connected")
		s.keys("@", "enter")
		s.see("is the one at hand")
	})
}
