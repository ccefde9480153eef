package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sluice/internal/record"
)

// zstdZeros is a zstd frame of n blocks of 128 KiB of zeros, in four bytes each.
func zstdZeros(n int) []byte {
	const block, runs = 128 << 10, 1
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 11 << 3} // a window of 2 MiB
	for i := range n {
		head := uint32(block<<3 | runs<<1)
		if i == n-1 {
			head |= 1
		}
		out = append(out, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return out
}

// size counts and forgets.
func size(t *testing.T, in Input, cfg Config) (total int64, unread []string, err error) {
	t.Helper()
	in.Entry = Entry{Origin: record.Origin{Kind: "file", Name: "x"}, Stream: "x"}
	err = Expand(t.Context(), in, cfg, func(b record.Batch) error {
		total += int64(len(b.Text) - b.Lead)
		if b.Unread != "" {
			unread = append(unread, b.Unread)
		}
		return nil
	})
	return total, unread, err
}

func TestABombIsStopped(t *testing.T) {
	gigabyte := zstdZeros(8 << 10) // in 32 KB
	nested := gigabyte
	for range 3 {
		nested = compress(t, gzipped, nested)
	}
	var many []file
	for i := range 16 {
		many = append(many, file{fmt.Sprint("part", i), zstdZeros(800)})
	}
	inner := makeZip(t, many...)
	for i := range many {
		many[i].content = inner
	}
	for name, packed := range map[string][]byte{
		"one stream": gigabyte, "in layers": nested, "a member": makeTar(t, file{"a", gigabyte}),
		"zips of zips": makeZip(t, many...), "a hole": sparseTar(t, 1<<40),
	} {
		t.Run(name, func(t *testing.T) {
			total, unread, err := size(t, Input{Reader: bytes.NewReader(packed)}, Config{})
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "times its size") || len(unread) != 1 {
				t.Errorf("unread %q, error %v", unread, err)
			}
			if most := max(ratioFrom, int64(len(packed))*DefaultRatio) + 1<<20; total > most || total == 0 {
				t.Errorf("%d bytes came of %d", total, len(packed))
			}
			total, _, err = size(t, Input{Reader: bytes.NewReader(packed)}, Config{Ratio: 1 << 40, Total: 20 << 20})
			if err == nil || !strings.Contains(err.Error(), "20971520 bytes") || total > 21<<20 {
				t.Errorf("%d bytes, error %v", total, err)
			}
		})
	}
}

// sparseTar has one member that is a hole of n bytes.
func sparseTar(t *testing.T, n int64) []byte {
	t.Helper()
	packed := makeTar(t, file{"hole", nil})
	h := packed[:tarBlock]
	h[156] = tar.TypeGNUSparse
	copy(h[257:], "ustar  \x00")
	clear(h[345:])
	for _, at := range []int{386, 483} { // data begins at n, and there the file ends
		h[at] = 0x80
		binary.BigEndian.PutUint64(h[at+4:], uint64(n))
	}
	copy(h[398:], "00000000000\x00")
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return packed
}

func TestTooManyLayers(t *testing.T) {
	packed := []byte("a line\n")
	for range 30 {
		packed = compress(t, gzipped, packed)
	}
	g := expand(t, bytes.NewReader(packed), Config{})
	one(t, g, "x", "packed more than 8 times")
	g = expand(t, bytes.NewReader(packed), Config{Depth: 30})
	if g.err != nil || g.text["x"] != "a line\n" {
		t.Errorf("%q, %v", g.text, g.err)
	}
}

func TestMemoryThatAnArchiveAsksFor(t *testing.T) {
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 1, 0, 0} // 2 GiB
	dict := xzWithDict(t, 40)                                               // 4 GiB
	var many []file
	for i := range 300 {
		many = append(many, file{strings.Repeat(fmt.Sprintf("%05d", i), 13_000), nil})
	}
	for name, packed := range map[string][]byte{"zstd": window, "xz": dict, "directory": makeZip(t, many...)} {
		t.Run(name, func(t *testing.T) {
			grown := heapGrowth(func(func()) {
				one(t, expandInput(t, Input{Reader: bytes.NewReader(packed), At: bytes.NewReader(packed), Size: int64(len(packed))}, Config{}), "x")
			})
			if grown > 64<<20 {
				t.Errorf("%d bytes of heap", grown)
			}
		})
	}
}

// xzWithDict is a line that asks for a dictionary of another size.
func xzWithDict(t *testing.T, size byte) []byte {
	t.Helper()
	packed := compress(t, xzed, []byte("a line\n"))
	head := packed[12 : 12+(int(packed[12])+1)*4]
	at := bytes.Index(head, []byte{0x21, 0x01}) // LZMA2 and one byte of properties
	head[at+2] = size
	binary.LittleEndian.PutUint32(head[len(head)-4:], crc32.ChecksumIEEE(head[:len(head)-4]))
	return packed
}

// What one member may ask for, a thousand do not get a thousand times.
func TestMembersShareTheMemoryOfTheirDecoder(t *testing.T) {
	var many []file
	member := xzWithDict(t, 28) // 64 MiB
	for i := range 1000 {
		many = append(many, file{fmt.Sprint(i), member})
	}
	packed := makeTar(t, many...)
	grown := heapGrowth(func(func()) {
		if total, _, err := size(t, Input{Reader: bytes.NewReader(packed)}, Config{}); err != nil || total != 7000 {
			t.Errorf("%d bytes, %v", total, err)
		}
	})
	if grown > 128<<20 {
		t.Errorf("%d bytes of heap", grown)
	}
}

// heapGrowth is how much f allocates in all, or at most had at the moments it
// calls sample.
func heapGrowth(f func(sample func())) uint64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak, sampled := uint64(0), false
	f(func() {
		sampled = true
		runtime.ReadMemStats(&now)
		peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
	})
	if !sampled {
		runtime.ReadMemStats(&now)
		peak = now.TotalAlloc - before.TotalAlloc
	}
	return peak
}

func TestAMemberIsNeverWholeInMemory(t *testing.T) {
	packed := compress(t, gzipped, makeTar(t, file{"a", zstdZeros(2048)}))
	total, batches := int64(0), 0
	grown := heapGrowth(func(sample func()) {
		err := Expand(t.Context(), Input{Reader: bytes.NewReader(packed)}, Config{Ratio: 1 << 40}, func(b record.Batch) error {
			total += int64(len(b.Text) - b.Lead)
			if batches++; batches%32 == 0 {
				sample()
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if total != 256<<20 || grown > 32<<20 {
		t.Errorf("%d bytes read, heap grew by %d", total, grown)
	}
}

func TestAZipInAStream(t *testing.T) {
	noise := make([]byte, spoolMemory+1<<20) // does not compress
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	packed := compress(t, gzipped, makeZip(t, file{"noise", noise}, file{"a", []byte("1\n")}))
	dir := t.TempDir()
	g := expand(t, bytes.NewReader(packed), Config{TempDir: dir})
	if g.err != nil || g.text["x!a"] != "1\n" || g.text["x!noise"] != string(noise) {
		t.Errorf("from disk: %d bytes, %v", len(g.text["x!noise"]), g.err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left on disk: %v, %v", left, err)
	}
	one(t, expand(t, bytes.NewReader(packed), Config{TempDir: dir, Spool: spoolMemory + 1000}), "x", "a zip of more than 8389608 bytes")
	one(t, expand(t, bytes.NewReader(packed), Config{TempDir: filepath.Join(dir, "none")}), "x", "TMPDIR")
	one(t, expand(t, bytes.NewReader(packed[:len(packed)/2]), Config{TempDir: dir}), "x", "gzip data is cut short")
}

func TestFormatsThatAreNotRead(t *testing.T) {
	for _, m := range magics {
		if !m.format.foreign() {
			continue
		}
		g := expand(t, strings.NewReader(m.head+strings.Repeat("\x00", 100)), Config{})
		one(t, g, "x", string(m.format), "unpack it")
	}
}

func TestManyErrorsAreCounted(t *testing.T) {
	var many []file
	for i := range 3 * maxErrors {
		many = append(many, file{fmt.Sprint(i), []byte("Rar!\x1a\x07")})
	}
	g := expand(t, bytes.NewReader(makeTar(t, many...)), Config{})
	if g.err == nil || !strings.HasSuffix(g.err.Error(), "read x: 200 more errors") || len(g.unread) != 3*maxErrors {
		t.Errorf("%d unread, %v", len(g.unread), g.err)
	}
}

func TestWhoEndsItGetsTheirErrorBack(t *testing.T) {
	stop := errors.New("nothing more")
	packed := compress(t, gzipped, makeTar(t, file{"a", []byte("1\n")}, file{"b", []byte("2\n")}))
	for n := range 3 {
		calls := 0
		err := Expand(t.Context(), Input{Reader: bytes.NewReader(packed)}, Config{}, func(record.Batch) error {
			if calls++; calls > n {
				return stop
			}
			return nil
		})
		if n < 2 && (err != stop || calls != n+1) || n == 2 && err != nil && err != stop {
			t.Errorf("after %d: %v at call %d", n, err, calls)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := Expand(ctx, Input{Reader: bytes.NewReader(packed)}, Config{}, func(record.Batch) error {
		cancel()
		return nil
	})
	if err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}
