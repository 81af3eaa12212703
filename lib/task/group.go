package task

import "syscall"

// living is a process that runs; a zombie does not.
type living struct {
	ID
	group int
}

// members lists the living processes of the group that leader leads, or led
// before it was reaped.
func members(leader ID) []ID {
	return groups([]ID{leader})[leader]
}

// groups lists the living processes of the groups that the leaders lead or led.
// A group's number is not given away while a member of it lives. So a process
// that has the number and is not the leader is a stranger, and so is its group.
func groups(leaders []ID) map[ID][]ID {
	wanted := make(map[int]ID, len(leaders))
	for _, id := range leaders {
		if id.PID > 1 { // below are the caller's own group, and everybody
			wanted[id.PID] = id
		}
	}
	found := map[ID][]ID{}
	var strangers []ID
	for _, p := range processes() {
		leader, ok := wanted[p.group]
		if !ok {
			continue
		}
		if p.PID == leader.PID && p.ID != leader {
			strangers = append(strangers, leader)
		}
		found[leader] = append(found[leader], p.ID)
	}
	for _, leader := range strangers {
		delete(found, leader)
	}
	return found
}

// KillGroups sends SIGKILL to the process groups that the leaders lead or led,
// and returns how many of them had a living process.
func KillGroups(leaders []ID) int {
	lived := groups(leaders)
	for leader := range lived {
		_ = syscall.Kill(-leader.PID, syscall.SIGKILL)
	}
	return len(lived)
}
