package bus

import (
	"context"
	"sync"
	"testing"
	"time"
)

func BenchmarkRoundTrip(b *testing.B) {
	for name, make := range map[string]func() *site{
		"curve": func() *site { return curveSite(b) },
		"plain": func() *site { return newSite(b, "tcp://127.0.0.1:0", nil, Pair{}) },
	} {
		b.Run(name, func(b *testing.B) {
			s := make()
			go s.echo()
			c := dial(b, s.target())
			body := []byte(`{"v":1,"id":"a","op":"ping"}`)
			for b.Loop() {
				if _, err := c.Call(context.Background(), body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPipelined(b *testing.B) {
	s := curveSite(b)
	go s.echo()
	c := dial(b, s.target())
	body := []byte(`{"v":1,"id":"a","op":"ping"}`)
	var all sync.WaitGroup
	window := make(chan struct{}, 256)
	start := time.Now()
	n := 0
	for b.Loop() {
		n++
		window <- struct{}{}
		all.Go(func() {
			defer func() { <-window }()
			if _, err := c.Call(context.Background(), body); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "calls/s")
}

func BenchmarkConnect(b *testing.B) {
	s := curveSite(b)
	go s.echo()
	for b.Loop() {
		c := dial(b, s.target())
		if _, err := c.Call(context.Background(), []byte("a")); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
