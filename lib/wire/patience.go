package wire

import "time"

// MaxWait bounds how long the principal keeps a request waiting: run.wait,
// logs.query with WaitMS, agent.pull.
const MaxWait = 20 * time.Second

// Patience is how much later than an ordinary request this one may be
// answered.
func (r *RunWait) Patience() time.Duration   { return waitTime(r.TimeoutMS, MaxWait) }
func (r *LogsQuery) Patience() time.Duration { return 30*time.Second + waitTime(r.WaitMS, 0) }
func (*RunList) Patience() time.Duration     { return 30 * time.Second }
func (*EventsQuery) Patience() time.Duration { return 30 * time.Second }
func (*AgentPull) Patience() time.Duration   { return MaxWait }
func (*AgentReport) Patience() time.Duration { return MaxWait }
func (*LogAppend) Patience() time.Duration   { return MaxWait }

// waitTime is a wait in milliseconds, bounded; zero means the default.
func waitTime(ms int, byDefault time.Duration) time.Duration {
	if ms <= 0 {
		return byDefault
	}
	return min(time.Duration(ms)*time.Millisecond, MaxWait)
}

// Wait is the bounded waiting time that a RunWait asks for.
func (r *RunWait) Wait() time.Duration { return waitTime(r.TimeoutMS, MaxWait) }

// Wait is the bounded waiting time that a LogsQuery asks for.
func (r *LogsQuery) Wait() time.Duration { return waitTime(r.WaitMS, 0) }
