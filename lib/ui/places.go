package ui

import tea "github.com/charmbracelet/bubbletea"

// tab is one of the screens that are always there.
type tab int

const (
	tabRuns tab = iota
	tabWorkflows
	tabLogs
	tabAgents
	tabPrincipals
	tabs // how many there are
)

func (t tab) String() string {
	return [...]string{"Runs", "Workflows", "Logs", "Agents", "Principals"}[t]
}

// newTab makes the screen of a tab, when it is first shown.
func newTab(k *kit, t tab) screen {
	switch t {
	case tabRuns:
		return newRunsScreen(k)
	case tabWorkflows:
		return newWorkflowsScreen(k)
	case tabLogs:
		return newLogsScreen(k, openLogs{})
	case tabAgents:
		return newAgentsScreen(k)
	}
	return newPrincipalsScreen(k)
}

// screenFor makes the screen that a message asks for, or nil.
func screenFor(k *kit, msg tea.Msg) screen {
	switch msg := msg.(type) {
	case openRun:
		return newRunScreen(k, msg)
	case openForm:
		return newFormScreen(k, msg.workflow)
	case openWorkflow:
		return newWorkflowScreen(k, msg.workflow)
	case openLogs:
		return newLogsScreen(k, msg)
	}
	return nil
}
