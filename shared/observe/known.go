package observe

import (
	"maps"
	"sync"
	"sync/atomic"
)

// known remembers what was made for a key. It is for few keys, all of which are soon
// there: asking takes no lock and no memory, a new key copies the others. The zero value
// is ready.
type known[K comparable, V any] struct {
	now  atomic.Pointer[map[K]V]
	adds sync.Mutex
}

// of gives what is known for key, or what fresh makes, at first.
func (k *known[K, V]) of(key K, fresh func(K) V) V {
	if now := k.now.Load(); now != nil {
		if value, ok := (*now)[key]; ok {
			return value
		}
	}
	return k.add(key, fresh)
}

func (k *known[K, V]) add(key K, fresh func(K) V) V {
	k.adds.Lock()
	defer k.adds.Unlock()
	more := map[K]V{}
	if now := k.now.Load(); now != nil {
		if value, ok := (*now)[key]; ok { // somebody was quicker
			return value
		}
		more = maps.Clone(*now)
	}
	value := fresh(key)
	more[key] = value
	k.now.Store(&more)
	return value
}
