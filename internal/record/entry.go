package record

import (
	"io/fs"
	"time"
)

// Entry describes a file, or a member of an archive, as whoever writes it back
// redacted needs it.
type Entry struct {
	Origin  Origin
	Stream  string      // Mark.Stream of its batches; "": it has no content
	Path    string      // of the file that holds it, as given
	Mode    fs.FileMode // of the file, or of the member
	ModTime time.Time
	Layers  []Layer // outermost first; none: plain text
}

// Layer is one thing that was undone to get at a stream: a compression, or one
// member of an archive.
type Layer struct {
	Format string // "gzip", "zstd", "bzip2", "xz", "lz4", "snappy", "tar", "zip"
	Member string // its name in a tar or zip
	Header any    // *tar.Header or *zip.FileHeader of the member, one for each member
}
