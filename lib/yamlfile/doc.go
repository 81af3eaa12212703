// Package yamlfile reads the one YAML document of a file that people write, and
// tells its mistakes with their places.
//
// It owns what a problem is, the order and number of those that are told, and
// where a syntax error is. Which keys there are and what they may hold is the
// format's: lib/workflow and lib/listen/rules each read their own tree, and have
// their own idea of what a text may be. It takes bytes: reading files is the
// caller's.
package yamlfile
