package workflow

import "github.com/cdktr/cdktr/lib/yamlfile"

// The names by which the tests know what lib/yamlfile does.
var (
	parseYAML = yamlfile.Documents
	resolve   = yamlfile.Resolve
)
