package dbtest

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// cluster is the throw-away PostgreSQL server in a well-known folder:
//
//	use.lock      held shared by every process that tests on it, until it ends
//	change.lock   held while the server is started or removed
//	keeper.lock   held by the keeper, which removes all this after the last user
//	run/          data, socket and log of the server
type cluster struct {
	dir  string
	bin  string
	cred *syscall.Credential // PostgreSQL refuses to run as root
	user string
}

// settings make it quick; what a crash destroys is made anew.
const settings = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off" +
	" -c max_connections=400 -c shared_buffers=64MB -c autovacuum_naptime=10s -c deadlock_timeout=200ms"

// joinCluster starts the server unless it runs, and counts this process in as long as
// use stays open. The keeper comes first: we may be killed at any moment.
func joinCluster() (rawURL string, use *os.File, err error) {
	c, err := newCluster()
	if err != nil {
		return "", nil, err
	}
	change, err := c.lock("change.lock", syscall.LOCK_EX)
	if err != nil {
		return "", nil, err
	}
	defer change.Close()
	if use, err = c.lock("use.lock", syscall.LOCK_SH); err != nil {
		return "", nil, err
	}
	if err := c.ensureKeeper(); err != nil {
		return "", nil, err
	}
	if !c.answers() {
		err = c.startAfresh()
	}
	return c.url(), use, err
}

func newCluster() (*cluster, error) {
	return newClusterIn(filepath.Join(os.TempDir(), "tegata-postgres-"+strconv.Itoa(os.Getuid())))
}

func newClusterIn(dir string) (*cluster, error) {
	c := &cluster{dir: dir}
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if found, err := exec.LookPath("initdb"); err == nil {
		bins = append(bins, found)
	}
	if len(bins) == 0 {
		return nil, errors.New("no initdb in /usr/lib/postgresql/*/bin nor in PATH")
	}
	slices.Sort(bins)
	c.bin = filepath.Dir(bins[len(bins)-1])
	if err := c.chooseUser(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(c.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(c.dir)
	if err != nil {
		return nil, err
	}
	if own, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(own.Uid) != os.Getuid() {
		return nil, fmt.Errorf("%s is not a folder of ours", c.dir)
	}
	return c, nil
}

// chooseUser takes the user "postgres" when we are root, else ourselves.
func (c *cluster) chooseUser() error {
	who, err := user.Current()
	if err == nil && who.Uid == "0" {
		who, err = user.Lookup("postgres")
	}
	if err != nil {
		return err
	}
	c.user = who.Username
	if os.Getuid() != 0 {
		return nil
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	c.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return err
}

func (c *cluster) run() string  { return filepath.Join(c.dir, "run") }
func (c *cluster) data() string { return filepath.Join(c.run(), "data") }
func (c *cluster) url() string {
	return "postgres://" + c.user + "@/postgres?host=" + c.run()
}

// lock opens a lock file and takes the lock; it lasts until the file is closed.
func (c *cluster) lock(name string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, err
		}
	}
}

func (c *cluster) answers() bool {
	pool, err := sql.Open("pgx", c.url())
	if err != nil {
		return false
	}
	defer pool.Close()
	return pool.Ping() == nil
}

// startAfresh makes a new server in place of whatever is there.
func (c *cluster) startAfresh() error {
	c.remove()
	if err := c.initialise(); err != nil {
		return err
	}
	return c.command("pg_ctl", "-D", c.data(), "-w", "-t", "60", "-l", filepath.Join(c.run(), "log"),
		"-o", settings+" -k "+c.run(), "start")
}

// initialise makes an empty data folder.
func (c *cluster) initialise() error {
	if err := os.Mkdir(c.run(), 0o700); err != nil {
		return err
	}
	if c.cred != nil {
		if err := os.Chown(c.run(), int(c.cred.Uid), int(c.cred.Gid)); err != nil {
			return err
		}
	}
	return c.command("initdb", "-D", c.data(), "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-U", c.user)
}

// remove stops the server, if it runs, and deletes its folder.
func (c *cluster) remove() {
	if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err == nil {
		c.command("pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop") // fails when it crashed
	}
	os.RemoveAll(c.run())
}

// command runs one of PostgreSQL's programs. Its output goes to a file: a server that
// held our pipe would keep `go test` waiting.
func (c *cluster) command(name string, args ...string) error {
	out, err := os.CreateTemp("", "tegata-"+name)
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w\n%s", name, err, said)
	}
	return nil
}
