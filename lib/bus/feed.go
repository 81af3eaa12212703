package bus

import "sync"

// Bounds of what waits for a slow consumer, in each Router and Subscription.
const (
	feedItems = 4096
	feedBytes = 32 << 20
)

// feed hands items to a consumer without making the producer wait. It takes
// all that is put in; the producer asks full before it reads more.
type feed[T any] struct {
	out   chan T
	eased func() // called when a full feed has room again
	wake  chan struct{}
	quit  chan struct{}

	mu    sync.Mutex
	items []feedItem[T]
	bytes int
	wait  bool // the producer found it full
}

type feedItem[T any] struct {
	value T
	size  int
}

func newFeed[T any](eased func()) *feed[T] {
	return &feed[T]{out: make(chan T), eased: eased, wake: make(chan struct{}, 1), quit: make(chan struct{})}
}

func (f *feed[T]) put(value T, size int) {
	f.mu.Lock()
	f.items = append(f.items, feedItem[T]{value, size})
	f.bytes += size
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed[T]) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wait = len(f.items) >= feedItems || f.bytes >= feedBytes
	return f.wait
}

// next takes the oldest item out.
func (f *feed[T]) next() (value T, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.items) == 0 {
		f.items = nil
		return value, false
	}
	first := f.items[0]
	f.items[0] = feedItem[T]{}
	f.items = f.items[1:]
	f.bytes -= first.size
	if f.wait && len(f.items) <= feedItems/2 && f.bytes <= feedBytes/2 {
		f.wait = false
		f.eased()
	}
	return first.value, true
}

// run hands items over until quit is closed, and then closes out.
func (f *feed[T]) run() {
	defer close(f.out)
	for {
		value, ok := f.next()
		if !ok {
			select {
			case <-f.wake:
				continue
			case <-f.quit:
				return
			}
		}
		select {
		case f.out <- value:
		case <-f.quit:
			return
		}
	}
}
