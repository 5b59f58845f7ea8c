package clients

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// plainPath matches what the parser of paths takes as it is meant: keys with indexes. Others,
// of a key such as x[1, can make it panic.
var plainPath = regexp.MustCompile(`^[^][$*'".]+(\[\d+\])*(\.[^][$*'".]+(\[\d+\])*)*$`)

// Position gives line and column, from 1, of what the path of a Problem names in the text
// of a clients file, or of the nearest thing around it, where that is missing. It gives
// zeros when the text has nothing of it.
func Position(text []byte, path string) (line, column int) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return 0, 0
	}
	for path != "" {
		if node := find(file, path); node != nil {
			token := begins(node).GetToken()
			return token.Position.Line, token.Position.Column
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0, 0
}

// find gives what lies at the path, nil when there is nothing.
func find(file *ast.File, path string) ast.Node {
	if !plainPath.MatchString(path) {
		return nil
	}
	at, err := yaml.PathString("$." + path)
	if err != nil {
		return nil
	}
	node, err := at.FilterFile(file)
	if err != nil {
		return nil
	}
	return node
}

// begins is the node that stands first: a block of keys has its place where it is
// separated.
func begins(node ast.Node) ast.Node {
	switch block := node.(type) {
	case *ast.MappingNode:
		if len(block.Values) > 0 {
			return begins(block.Values[0])
		}
	case *ast.MappingValueNode:
		return block.Key
	}
	return node
}
