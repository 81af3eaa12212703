// Package harness runs CDKTR's real commands for tests, each installation in a
// private directory and on free ports. Tests import it, nothing else does. It
// holds no assertions about CDKTR itself.
//
// A Go test:
//
//	func TestMain(m *testing.M) { harness.Main(m) }
//
//	func TestHello(t *testing.T) {
//		in := harness.New(t)
//		in.Workflow("hello.yml", "tasks: {greet: {run: echo hello}}")
//		in.StartPrincipal()                    // with an agent, ready on return
//		id := in.Must("cdktr-run", "hello")    // stdout, without its last newline
//		in.KillPrincipal()                     // kill -9; the agent lives on
//		in.RestartPrincipal()
//		r := in.Run("cdktr-run", "--show", id) // r.Stdout, r.Stderr, r.Code
//		harness.Field(t, r.Stdout, "tasks[task=greet].status") // "COMPLETED"
//	}
//
// When the test ends everything that still runs in the installation is killed,
// and when it has failed, what the daemons said is printed.
//
// A script, for testscript: harness.Scripts(t, "testdata") runs each .txtar
// file of a directory, whose files are the installation's working directory
// ($WORK; workflows/ is in it). Besides testscript's own commands it has
//
//	start-principal [flags]        cdktr-principal --with-agent --port 0; waits until it is ready
//	start-principal-alone [flags]  the same without --with-agent
//	restart-principal [flags]      with the flags of the last start, if none are given
//	stop-principal                 SIGTERM; it must exit with 0
//	kill-principal                 SIGKILL, to the principal alone
//	signal-principal SIGNAL        HUP, TERM, INT, KILL, USR1, STOP, CONT
//	start-agent NAME [flags]       cdktr-agent --name NAME; waits until the principal lists it
//	stop-agent NAME, kill-agent NAME, signal-agent NAME SIGNAL
//	exit-code N COMMAND [args]     runs it; it must exit with N; then stdout and stderr as after exec
//	wait-for REGEX COMMAND [args]  runs it again and again until it exits with 0 and its stdout matches, at most Patience
//	json FIELD VALUE               stdout is one JSON value, with VALUE at FIELD (see Field)
//	jsonl FIELD VALUE              stdout is JSON lines, taken as one list
//	capture NAME [FIELD]           sets $NAME to stdout without its last newline, or to a field of it
//	need TOOL…                     skips the script, loudly, where a tool is missing (see Need)
//
// The commands are taken from $CDKTR_BIN if that is set, else they are built
// once for each test process.
package harness
