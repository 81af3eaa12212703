package timeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// graph makes tasks of lines such as "c: a b".
func graph(text string) []Task {
	var tasks []Task
	index := map[string]int{}
	for line := range strings.Lines(text) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if id == "" {
			continue
		}
		t := Task{ID: id}
		for _, d := range strings.Fields(rest) {
			t.Depends = append(t.Depends, index[d])
		}
		index[id] = len(tasks)
		tasks = append(tasks, t)
	}
	return tasks
}

func picture(tasks []Task, limit int, g *Glyphs) string {
	a := Arrange(tasks, limit)
	var b strings.Builder
	for row, i := range a.Order {
		fmt.Fprintf(&b, "%s %s\n", g.gutter(a.row(row)), tasks[i].ID)
	}
	return b.String()
}

// fan is a task, n that depend on it, and with join one that depends on these.
func fan(n int, join bool) string {
	var b strings.Builder
	b.WriteString("root\n")
	all := ""
	for i := range n {
		fmt.Fprintf(&b, "t%02d: root\n", i)
		all += fmt.Sprintf(" t%02d", i)
	}
	if join {
		b.WriteString("join:" + all + "\n")
	}
	return b.String()
}

func TestDependenciesAreDrawn(t *testing.T) {
	for _, c := range []struct{ name, tasks, want string }{
		{"the page's example", "extract_a\nextract_b\ntransform: extract_a extract_b\nvalidate: transform\nload: transform\npublish: extract_a load", `
●       extract_a
│ ●     extract_b
├─┴●    transform
│  ├●   validate
│  └─●  load
└────┴● publish
`},
		{"chain", "a\nb: a\nc: b", `
● a
● b
● c
`},
		{"diamond", "a\nb: a\nc: a\nd: b c", `
●   a
├●┐ b
└●┤ c
  ● d
`},
		{"two roots and two that stand alone", "a\nb\nc: a b\nx\ny", `
●┐ a
●┤ b
 ● c
●  x
 ● y
`},
		{"a fan out and in", fan(4, true), `
●   root
├●┐ t00
├●┤ t01
├●┤ t02
└●┤ t03
  ● join
`},
		{"a fan without an end", fan(3, false), `
●  root
├● t00
├● t01
└● t02
`},
		{"layers", "a\nb\nc\nx: a b c\ny: a b c\nz: x y", `
●┐   a
●┤   b
●┤   c
 ├●┐ x
 └●┤ y
   ● z
`},
		{"lines that cross", "a\nb: a\nc: b\nd: a\ne: d\nf: c e\ng: a", `
●       a
├●      b
│●┐     c
├─│─●   d
│ │ ●┐  e
│ └──┴● f
└●      g
`},
	} {
		if got := "\n" + picture(graph(c.tasks), 20, Unicode()); got != c.want {
			t.Errorf("%s:%s\nwant:%s", c.name, got, c.want)
		}
	}
}

// random makes n tasks, each of which depends on each one before it with the
// probability p.
func random(r *rand.Rand, n int, p float64) []Task {
	tasks := make([]Task, n)
	for i := range tasks {
		tasks[i].ID = fmt.Sprint("t", i)
		for d := range i {
			if r.Float64() < p {
				tasks[i].Depends = append(tasks[i].Depends, d)
			}
		}
	}
	return tasks
}

// Whatever the dependencies, a reader of the drawing finds no edge that does not
// exist; one that is missing has a mark at both of its ends.
func TestGutterIsNeverWrong(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 8))
		tasks := random(r, 1+r.IntN(40), r.Float64()*r.Float64())
		limit := 4 + r.IntN(26)
		g := Unicode()
		a := Arrange(tasks, limit)
		if a.Width > limit {
			t.Fatalf("seed %d: %d cells of %d", seed, a.Width, limit)
		}
		var rows []string
		for row := range a.Order {
			rows = append(rows, g.gutter(a.row(row)))
		}
		seen, marked, err := read(rows, g)
		if err != nil {
			t.Fatalf("seed %d, limit %d: %v\n%s", seed, limit, err, picture(tasks, limit, g))
		}
		row := make([]int, len(tasks))
		for at, i := range a.Order {
			row[i] = at
		}
		for i := range tasks {
			for _, d := range tasks[i].Depends {
				edge := [2]int{row[d], row[i]}
				if !seen[edge] && (!marked[edge[0]] || !marked[edge[1]]) {
					t.Fatalf("seed %d, limit %d: %s depends on %s, and that is not to be seen\n%s",
						seed, limit, tasks[i].ID, tasks[d].ID, picture(tasks, limit, g))
				}
				delete(seen, edge)
			}
		}
		if len(seen) > 0 {
			t.Fatalf("seed %d, limit %d: edges that do not exist: %v\n%s", seed, limit, seen, picture(tasks, limit, g))
		}
	}
}

// read finds the edges in a drawing, as a reader does who knows the rules.
func read(rows []string, g *Glyphs) (edges map[[2]int]bool, marked []bool, err error) {
	edges = map[[2]int]bool{}
	marked = make([]bool, len(rows))
	from := make([][]int, 100) // by column: where the line comes from that goes down here
	for row, text := range rows {
		cells := masks(text, g)
		at := slices.Index(cells, dot)
		if at < 0 {
			return nil, nil, fmt.Errorf("row %d has no dot", row)
		}
		marked[row] = slices.Contains(cells, fold)
		cell := func(c int) cell {
			if c < 0 || c >= len(cells) {
				return 0
			}
			return cells[c]
		}
		for c := range cells {
			if cell(c)&up != 0 && from[c] == nil {
				return nil, nil, fmt.Errorf("row %d, column %d: a line from nowhere", row, c)
			}
		}
		var parents []int
		if cell(at-1)&right != 0 {
			c := at - 1
			for ; ; c-- {
				switch x := cell(c); {
				case x == 0:
					return nil, nil, fmt.Errorf("row %d: a line that breaks", row)
				case x&right != 0 && x&up != 0:
					parents = append(parents, from[c]...)
				}
				if cell(c)&right != 0 && cell(c)&left == 0 {
					break
				}
			}
		} else {
			parents = from[at]
		}
		for _, p := range parents {
			edges[[2]int{p, row}] = true
		}
		next := make([][]int, 100)
		for c := range cells {
			if cell(c)&down != 0 && cell(c)&up != 0 {
				next[c] = slices.Clone(from[c])
			}
		}
		if cell(at+1)&left != 0 {
			c := at + 1
			for cell(c)&left == 0 || cell(c)&down == 0 {
				if c++; cell(c) == 0 {
					return nil, nil, fmt.Errorf("row %d: a line to nowhere", row)
				}
			}
			next[c] = append(next[c], row)
		} else {
			next[at] = []int{row}
		}
		for c := range cells {
			if cell(c)&down != 0 && next[c] == nil {
				return nil, nil, fmt.Errorf("row %d, column %d: a line of nobody", row, c)
			}
		}
		from = next
	}
	return edges, marked, nil
}

func masks(text string, g *Glyphs) (cells []cell) {
	for _, r := range text {
		switch s := string(r); s {
		case " ":
			cells = append(cells, 0)
		case g.Dot:
			cells = append(cells, dot)
		case g.Fold:
			cells = append(cells, fold)
		default:
			cells = append(cells, cell(slices.Index(g.lines[:], s)))
		}
	}
	return cells
}

// A fan of hundreds of tasks takes four columns.
func TestFanStaysNarrow(t *testing.T) {
	if w := Arrange(graph(fan(500, true)), 18).Width; w != 3 {
		t.Errorf("%d columns", w)
	}
}

// A task that the file names before what it depends on comes after it.
func TestRowsAreInOrderOfDependencies(t *testing.T) {
	tasks := []Task{{ID: "z", Depends: []int{2}}, {ID: "on_end", Handler: true}, {ID: "a"}, {ID: "b"}}
	if got := picture(tasks, 20, Unicode()); got != "●  a\n●  z\n ● b\n●  on_end\n" {
		t.Errorf("\n%s", got)
	}
}
