//go:build !amd64

package view

// rowFinder has the memory that rows needs: none.
type rowFinder struct{}

// rows appends the ends of the rows of text, and writes the marks of each block of
// it if there is room for them.
func (*rowFinder) rows(dst []ends, marks []mark, text []byte) []ends {
	return markEach(rowsByWindow(dst, text), marks, text)
}
