package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"sluice/internal/record"
)

const (
	// pageSize is the most that /key/list gives; 101 is a 422.
	pageSize = 100
	// smallestPage bounds the search for a page whose start suits, see window.
	smallestPage = 60
	// overlap is how many rows a page should share with the one before: that
	// many deletions between two requests need no second look.
	overlap = 4
	// maxKeys bounds a snapshot, so that a gateway that never stops counting
	// cannot fill the memory.
	maxKeys = 2_000_000
	// patience is how many times the requests that a quiet table would take are
	// spent on one that changes, and maxExtra how many more.
	patience, maxExtra = 4, 50
)

// Fetch reads all keys and teams. The credential must be allowed to see all of
// them; one that sees only its own keys is refused with KindForbidden, since a
// part of the keys would pass for all.
func (c *Client) Fetch(ctx context.Context) (*Snapshot, error) {
	started := time.Now()
	teams, err := c.fetchTeams(ctx)
	if err != nil {
		return nil, err
	}
	b := newBuilder(started)
	b.gateway(c.base)
	// The archive second: a key deleted in between is then in at least one.
	for _, deleted := range []bool{false, true} {
		err := c.listKeys(ctx, deleted, func(r *keyRow, again bool) {
			hash, ok := r.hash()
			if !ok && !again {
				b.skipped++
			}
			if ok {
				tail, _ := maskedName(str(r.Name))
				b.add(hash, tail, r.info(c.base, teams, deleted, started))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	c.teams.Store(&teams)
	return b.snapshot(), nil
}

// listPage is an answer of /key/list.
type listPage struct {
	Keys  *[]keyRow `json:"keys"`
	Total *int      `json:"total_count"`
}

// listKeys yields the rows of the live table or of the archive; again says that
// a row with this token was there before.
//
// Pages are offsets into a table that others change, so a key deleted between
// two requests moves the rest up and one is passed over. Sorting by time of
// creation and comparing counts do not prove that none was: a key made and a
// key deleted leave the count as it was. This does: rows are asked for in the
// order of their tokens, which is total and never changes, and each page must
// share a row with what was read before. Each page shows a stretch of that
// order without a gap; stretches that share a row, from the first row to a page
// that is not full, leave no room between them, whenever each was read. It
// takes a sixth more requests than pages of 100.
func (c *Client) listKeys(ctx context.Context, deleted bool, yield func(r *keyRow, again bool)) error {
	seen := make(map[[32]byte]struct{})
	next, most := 0, 0 // next: the first row wanted, from 0; most: the largest total
	for requests := 0; requests < maxExtra+patience*(most/smallestPage); requests++ {
		offset, size := window(next)
		query := url.Values{
			"sort_by": {"token"}, "sort_order": {"asc"},
			"page": {strconv.Itoa(offset/size + 1)}, "size": {strconv.Itoa(size)},
		}
		if deleted {
			query.Set("status", "deleted")
		}
		page, err := c.listPage(ctx, query)
		if deleted && noArchive(err) {
			return nil
		}
		if err != nil {
			return err
		}
		rows := *page.Keys
		if most = max(most, *page.Total); most > maxKeys || len(seen) > maxKeys {
			return &Error{Gateway: c.base, Op: "GET /key/list", Kind: KindTooLarge, Detail: "over 2,000,000 keys"}
		}
		if offset > 0 && !joins(rows, seen) { // a gap cannot be ruled out
			next = max(0, offset-size)
			continue
		}
		for i := range rows {
			_, again := seen[rowID(&rows[i])]
			seen[rowID(&rows[i])] = struct{}{}
			yield(&rows[i], again)
		}
		if next = offset + len(rows); len(rows) < size && next >= *page.Total {
			return nil
		}
	}
	return &Error{Gateway: c.base, Op: "GET /key/list", Kind: KindShape, Detail: "keys change faster than they can be read"}
}

// joins says that a row was seen before.
func joins(rows []keyRow, seen map[[32]byte]struct{}) bool {
	return slices.ContainsFunc(rows, func(r keyRow) bool { _, ok := seen[rowID(&r)]; return ok })
}

// rowID identifies a row while paging, also one whose token is odd.
func rowID(r *keyRow) [32]byte {
	if hash, ok := r.hash(); ok {
		return hash
	}
	return HashKey(record.NewSecret(r.Token))
}

// window finds the page that starts a little before row next and reaches
// furthest: pages start at multiples of their size only, so the size is chosen.
func window(next int) (offset, size int) {
	target := next - overlap
	if target <= 0 {
		return 0, pageSize
	}
	end := 0
	for s := pageSize; s >= smallestPage; s-- {
		if o := target / s * s; o+s > end {
			offset, size, end = o, s, o+s
		}
	}
	return offset, size
}

// noArchive says that the version does not keep deleted keys.
func noArchive(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindRefused && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity)
}

// listPage asks /key/list for whole rows.
func (c *Client) listPage(ctx context.Context, query url.Values) (*listPage, error) {
	query.Set("return_full_object", "true")
	query.Set("include_team_keys", "true")
	var answer listPage
	if err := c.get(ctx, "/key/list", query, &answer); err != nil {
		return nil, err
	}
	if answer.Keys == nil || answer.Total == nil || *answer.Total < 0 {
		return nil, &Error{Gateway: c.base, Op: "GET /key/list", Kind: KindShape, Status: http.StatusOK}
	}
	return &answer, nil
}
