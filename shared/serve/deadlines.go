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
	now atomic.Int64 // of the last look, in nanoseconds since 1970

	mu    sync.Mutex
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
	c := &connection{TCPConn: tcp, from: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		l.now.Store(time.Now().UnixNano())
		l.open = map[*connection]struct{}{}
		l.timer = time.AfterFunc(rounding, l.again)
	}
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
	l.now.Store(now.UnixNano())
	for c := range l.open {
		c.look(now)
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
	at   int64 // nanoseconds since 1970; 0: none
	told bool  // the connection itself keeps it
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
	tell, t := c.read.move(t, c.from.now.Load())
	if tell {
		err = c.TCPConn.SetReadDeadline(t)
	}
	c.mu.Unlock()
	return err
}

// SetWriteDeadline sets when writing fails, up to a second later. Zero is never.
func (c *connection) SetWriteDeadline(t time.Time) (err error) {
	c.mu.Lock()
	tell, t := c.write.move(t, c.from.now.Load())
	if tell {
		err = c.TCPConn.SetWriteDeadline(t)
	}
	c.mu.Unlock()
	return err
}

// move notes the deadline t and says what the connection has to be told, if anything:
// a deadline that is near, or none instead of the one it was told before. now is the time
// of the last look, up to a second ago.
func (d *deadline) move(t time.Time, now int64) (tell bool, as time.Time) {
	told := d.told
	d.at, d.told = 0, false
	if t.IsZero() {
		return told, t
	}
	d.at = t.UnixNano()
	if d.told = d.at < now+int64(3*rounding); d.told {
		return true, t
	}
	return told, time.Time{}
}

// over tells whether the connection has to hear that the time has come.
func (d *deadline) over(now time.Time) bool {
	over := !d.told && d.at != 0 && d.at <= now.UnixNano()
	d.told = d.told || over
	return over
}

// look ends what has waited until now.
func (c *connection) look(now time.Time) {
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
