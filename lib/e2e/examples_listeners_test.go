package e2e

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

const listeners = "../../examples/listeners"

// example is an installation with an example's workflows, and its principal,
// without an agent: what counts is that there is a run.
func example(t *testing.T, name string) *harness.Installation {
	t.Helper()
	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=100")
	if err := os.CopyFS(in.Workflows, os.DirFS(filepath.Join(listeners, name, "workflows"))); err != nil {
		t.Fatal(err)
	}
	in.StartPrincipalAlone()
	return in
}

// program builds an example.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join(listeners, name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// params are the values of a parameter over all runs, in order.
func params(t *testing.T, in *harness.Installation, name string) []string {
	t.Helper()
	var all []string
	for _, r := range runs(t, in) {
		all = append(all, r.Params[name])
	}
	slices.Sort(all)
	return all
}

func wantParams(t *testing.T, in *harness.Installation, name string, want ...string) {
	t.Helper()
	if got := params(t, in, name); !slices.Equal(got, want) {
		t.Errorf("the runs are of %q, want %q", got, want)
	}
}

func TestFileWatcherRunsEachFileOnce(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("inotifywait"); err != nil { // no flag of it ends with 0
		t.Skip("SKIP-TOOL inotifywait: not on the PATH")
	}
	in := example(t, "files")
	incoming := filepath.Join(in.Dir, "incoming")
	if err := os.Mkdir(incoming, 0o755); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join(listeners, "files", "watch.sh"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(incoming, "before.csv"), "a\n")
	watcher := startDaemon(t, in.Command("bash", script, "incoming"))
	count := func(n int) func() bool { return func() bool { return len(runs(t, in)) >= n } }
	harness.Eventually(t, "a run of the file that was there", count(1))
	write(t, filepath.Join(incoming, "a b.csv"), "a\nb\n")
	write(t, filepath.Join(incoming, "other.txt"), "not for us\n")
	write(t, filepath.Join(in.Dir, "moved"), "a\n")
	if err := os.Rename(filepath.Join(in.Dir, "moved"), filepath.Join(incoming, "moved.csv")); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "runs of the new files", count(3))
	watcher.kill()
	write(t, filepath.Join(incoming, "later.csv"), "a\n")
	startDaemon(t, in.Command("bash", script, "incoming"))
	harness.Eventually(t, "a run of what came while nobody watched", count(4))
	wantParams(t, in, "file", "incoming/a b.csv", "incoming/before.csv", "incoming/later.csv", "incoming/moved.csv")
}

// listening is how the webhook says where it is.
var listening = regexp.MustCompile(`url=(http://\S+/)`)

func TestWebhookRunsEachDeliveryOnce(t *testing.T) {
	t.Parallel()
	in := example(t, "webhook")
	cmd := in.Command(program(t, "webhook"), "-listen", "127.0.0.1:0", "-patience", "500ms")
	cmd.Env = append(cmd.Env, "WEBHOOK_SECRET=secret")
	server := startDaemon(t, cmd)
	var url string
	harness.Eventually(t, "the webhook listens", func() bool {
		m := listening.FindStringSubmatch(server.said())
		if m != nil {
			url = m[1]
		}
		return m != nil
	})
	deliver := func(delivery, body, secret string) (status int, run string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Hub-Signature-256", signature(secret, body))
		r.Header.Set("X-GitHub-Delivery", delivery)
		r.Header.Set("X-GitHub-Event", "push")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var accepted struct{ Run string }
		_ = json.NewDecoder(answer.Body).Decode(&accepted) // a refusal is text
		return answer.StatusCode, accepted.Run
	}
	if status, _ := deliver("d1", `{"ref":"main"}`, "guessed"); status != http.StatusUnauthorized {
		t.Errorf("a wrong signature: status %d", status)
	}
	status, first := deliver("d1", `{"ref":"main"}`, "secret")
	if status != http.StatusAccepted || show(t, in, first).Params["payload"] != `{"ref":"main"}` {
		t.Errorf("status %d, run %+v", status, show(t, in, first))
	}
	in.KillPrincipal()
	if status, _ := deliver("d2", `{}`, "secret"); status != http.StatusServiceUnavailable {
		t.Errorf("without a principal: status %d", status)
	}
	in.RestartPrincipal()
	harness.Eventually(t, "the delivery is taken after all", func() bool {
		status, _ := deliver("d2", `{}`, "secret")
		return status == http.StatusAccepted
	})
	if status, again := deliver("d1", `{"ref":"main"}`, "secret"); status != http.StatusAccepted || again != first {
		t.Errorf("the same delivery: status %d, run %q, was %q", status, again, first)
	}
	wantParams(t, in, "payload", `{"ref":"main"}`, `{}`)

	// A stop answers what is under way: a request whose body is still to come.
	const body = `{"last":true}`
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\nX-GitHub-Delivery: d3\r\nX-Hub-Signature-256: %s\r\n\r\n",
		len(body), signature("secret", body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("answered with %q, %v", line, err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the webhook takes no new connections", func() bool {
		other, err := net.Dial("tcp", conn.RemoteAddr().String())
		if err == nil {
			_ = other.Close()
		}
		return err != nil
	})
	fmt.Fprint(conn, body)
	if _, err := answers.ReadString('\n'); err != nil { // the empty line of the 100
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Errorf("the request under way was answered with %d", answer.StatusCode)
	}
	if code := server.stop(t); code != 0 {
		t.Errorf("the webhook ended with exit code %d", code)
	}
}

func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestOutboxRunsEachRowOnce(t *testing.T) {
	t.Parallel()
	db := startPostgres(t)
	in := example(t, "postgres")
	listener := program(t, "postgres")
	db.ask(t, read(t, filepath.Join(listeners, "postgres", "schema.sql")))
	order := func(id string) {
		t.Helper()
		db.ask(t, `INSERT INTO cdktr_outbox (workflow, params) VALUES ('order', '{"id": `+id+`}')`)
	}
	done := func(n string) func() bool {
		return func() bool { return db.ask(t, "SELECT count(*) FROM cdktr_outbox WHERE done IS NOT NULL") == n }
	}
	order("1") // while nobody listens
	first := startDaemon(t, in.Command(listener, "-database", db.url()))
	harness.Eventually(t, "the row that was there is done", done("1"))
	order("2")
	db.ask(t, `BEGIN; INSERT INTO cdktr_outbox (workflow) VALUES ('order'); ROLLBACK`)
	db.ask(t, `INSERT INTO cdktr_outbox (workflow) VALUES ('odrer')`)
	harness.Eventually(t, "the new rows are done", done("3"))
	if got := db.ask(t, "SELECT error FROM cdktr_outbox WHERE run IS NULL"); !strings.Contains(got, `did you mean "order"?`) {
		t.Errorf("the row of no workflow has the error %q", got)
	}

	// Killed between the run and the mark: the mark takes for ever.
	db.ask(t, `CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NEW; END';
		CREATE TRIGGER hang BEFORE UPDATE ON cdktr_outbox FOR EACH ROW EXECUTE FUNCTION hang()`)
	order("3")
	harness.Eventually(t, "the row has a run", func() bool { return slices.Contains(params(t, in, "id"), "3") })
	first.kill()
	db.ask(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cdktr-outbox'`)
	db.ask(t, `DROP TRIGGER hang ON cdktr_outbox`)
	second := startDaemon(t, in.Command(listener, "-database", db.url()))
	harness.Eventually(t, "the row is done after all", done("4"))
	wantParams(t, in, "id", "1", "2", "3")
	if got := db.ask(t, `SELECT count(DISTINCT run) FROM cdktr_outbox`); got != "3" {
		t.Errorf("the rows name %s runs, want 3", got)
	}
	if code := second.stop(t); code != 0 {
		t.Errorf("the listener ended with exit code %d", code)
	}
}

func TestStreamRunsEachEntryOnce(t *testing.T) {
	t.Parallel()
	db := startRedis(t)
	in := example(t, "redis")
	listener := program(t, "redis")
	start := func(consumer string) *daemon {
		return startDaemon(t, in.Command(listener, "-redis", "unix://"+db.socket, "-consumer", consumer, "-claim-after", "100ms"))
	}
	order := func(workflow, id string) {
		t.Helper()
		db.ask(t, "XADD", "events", "*", "workflow", workflow, "id", id)
	}
	settled := func(want ...string) func() bool {
		return func() bool {
			return slices.Equal(params(t, in, "id"), want) && strings.HasPrefix(db.ask(t, "XPENDING", "events", "cdktr"), "1) (integer) 0")
		}
	}
	order("order", "1") // while nobody listens
	first := start("a")
	harness.Eventually(t, "the entry that was there is done", settled("1"))
	order("order", "2")
	order("odrer", "x")
	harness.Eventually(t, "the new entries are done", settled("1", "2"))
	harness.Eventually(t, "the refused entry is told", func() bool {
		return strings.Contains(db.ask(t, "XRANGE", "events:refused", "-", "+"), `did you mean \"order\"?`)
	})

	// Killed between the run and the acknowledgement: that is forbidden for now.
	db.ask(t, "ACL", "SETUSER", "default", "-xack")
	order("order", "3")
	harness.Eventually(t, "the entry has a run", func() bool { return slices.Contains(params(t, in, "id"), "3") })
	first.kill()
	db.ask(t, "ACL", "SETUSER", "default", "+xack")
	second := start("b")
	harness.Eventually(t, "the entry of the dead listener is done", settled("1", "2", "3"))
	wantParams(t, in, "id", "1", "2", "3")
	if code := second.stop(t); code != 0 {
		t.Errorf("the listener ended with exit code %d", code)
	}
}

func TestPythonListenerRunsEachFileOnce(t *testing.T) {
	t.Parallel()
	harness.Need(t, "pyzmq")
	in := example(t, "python")
	spool := filepath.Join(in.Dir, "spool")
	for _, dir := range []string{spool, filepath.Join(spool, "done")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs(filepath.Join(listeners, "python", "listener.py"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		write(t, filepath.Join(spool, name+".new"), text)
		if err := os.Rename(filepath.Join(spool, name+".new"), filepath.Join(spool, name)); err != nil {
			t.Fatal(err)
		}
	}
	there := func(path string) func() bool {
		return func() bool {
			_, err := os.Stat(filepath.Join(spool, path))
			return err == nil
		}
	}
	put("7.json", `{"id": 7}`)
	put("bad.json", `{"id"`)
	put("odd.json", `{"ID": 1}`)
	listener := startDaemon(t, python(t, in, script, "--interval", "0.05", "spool", "order"))
	for _, path := range []string{"done/7.json", "refused/bad.json", "refused/odd.json"} {
		harness.Eventually(t, path, there(path))
	}
	if reason := read(t, filepath.Join(spool, "refused/odd.json.reason")); !strings.Contains(reason, `no parameter "ID"`) {
		t.Errorf("the reason is %q", reason)
	}
	// As after a kill between the run and the move: the file is there again.
	put("7.json", `{"id": 7}`)
	harness.Eventually(t, "the file is moved again", func() bool { return !there("7.json")() })
	in.KillPrincipal()
	put("8.json", `{"id": 8}`)
	in.RestartPrincipal()
	harness.Eventually(t, "the file that came meanwhile", there("done/8.json"))
	wantParams(t, in, "id", "7", "8")
	if code := listener.stop(t); code != 0 {
		t.Errorf("the listener ended with exit code %d", code)
	}
}
