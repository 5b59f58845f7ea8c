package serve

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// rounding is how much later than asked for a distant deadline may come.
const rounding = time.Second

// past is a deadline that is over.
var past = time.Unix(1, 0)

// deadlines is a listener whose connections look once a second whether a deadline of
// theirs is over. net/http moves a connection's deadlines six times for a request, by
// seconds that nearly never run out; and each time the runtime sorts its timers anew,
// which took a short answer the fifteenth part of its time. A deadline that is near or
// over already goes to the connection itself, as net/http hangs up with those.
type deadlines struct {
	net.Listener
	now atomic.Int64 // of the last look, in nanoseconds since began

	mu    sync.Mutex
	began time.Time // of the first connection, and never changed; times are counted from it, so that setting the system's clock moves none
	open  map[*connection]struct{}
	timer *time.Timer // runs while a connection is open
}

// Accept waits for a connection.
func (l *deadlines) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	return l.keep(tcp), nil
}

func (l *deadlines) keep(tcp *net.TCPConn) *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.began.IsZero() {
		l.began = time.Now()
	}
	if len(l.open) == 0 {
		l.now.Store(int64(time.Since(l.began)))
		l.open = map[*connection]struct{}{}
		l.timer = time.AfterFunc(rounding, l.again)
	}
	c := &connection{TCPConn: tcp, from: l}
	l.open[c] = struct{}{}
	return c
}

func (l *deadlines) forget(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if delete(l.open, c); len(l.open) == 0 && l.timer != nil {
		l.timer.Stop()
	}
}

// again looks once a second while a connection is open.
func (l *deadlines) again() {
	l.look(time.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) > 0 {
		l.timer.Reset(rounding)
	}
}

// look ends what has waited until now.
func (l *deadlines) look(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := now.Sub(l.began)
	l.now.Store(int64(since))
	for c := range l.open {
		c.look(since)
	}
}

// connection is a TCP connection with deadlines that are cheap to move.
type connection struct {
	*net.TCPConn
	from *deadlines

	mu          sync.Mutex
	read, write deadline
}

// deadline is one direction's.
type deadline struct {
	at   time.Duration // since began; 0: none
	told bool          // the connection itself keeps it
}

// SetDeadline sets both.
func (c *connection) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets when reading fails, up to a second later. Zero is never.
func (c *connection) SetReadDeadline(t time.Time) (err error) {
	c.mu.Lock()
	tell, t := c.read.move(t, c)
	if tell {
		err = c.TCPConn.SetReadDeadline(t)
	}
	c.mu.Unlock()
	return err
}

// SetWriteDeadline sets when writing fails, up to a second later. Zero is never.
func (c *connection) SetWriteDeadline(t time.Time) (err error) {
	c.mu.Lock()
	tell, t := c.write.move(t, c)
	if tell {
		err = c.TCPConn.SetWriteDeadline(t)
	}
	c.mu.Unlock()
	return err
}

// move notes the deadline t and says what the connection has to be told, if anything:
// a deadline that is near by the time of the last look, which is up to a second ago, or
// none instead of the one it was told before.
func (d *deadline) move(t time.Time, of *connection) (tell bool, as time.Time) {
	told := d.told
	d.at, d.told = 0, false
	if t.IsZero() {
		return told, t
	}
	d.at = t.Sub(of.from.began)
	if d.told = d.at < time.Duration(of.from.now.Load())+3*rounding; d.told {
		return true, t
	}
	return told, time.Time{}
}

// over tells whether the connection has to hear that the time has come.
func (d *deadline) over(now time.Duration) bool {
	over := !d.told && d.at != 0 && d.at <= now
	d.told = d.told || over
	return over
}

// look ends what has waited until now.
func (c *connection) look(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.over(now) {
		c.TCPConn.SetReadDeadline(past)
	}
	if c.write.over(now) {
		c.TCPConn.SetWriteDeadline(past)
	}
}

// Close ends the connection.
func (c *connection) Close() error {
	c.from.forget(c)
	return c.TCPConn.Close()
}
