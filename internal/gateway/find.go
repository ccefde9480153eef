package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sluice/internal/record"
)

// maxTeamPages bounds the list of teams.
const maxTeamPages = 1000

// fetchTeams reads all teams by id. Only an admin or an admin viewer may, which
// is how a credential that would see a part of the keys is told. The empty
// user_id means "of any user": without it 1.81.0 gives a viewer the teams that
// the viewer is a member of, which are none (measured). /team/list would need no
// pages, but carries every key of every team.
func (c *Client) fetchTeams(ctx context.Context) (map[string]team, error) {
	const op = "GET /v2/team/list"
	teams := make(map[string]team)
	for page := 1; page <= maxTeamPages; page++ {
		var answer struct {
			Teams *[]team `json:"teams"`
			Pages int     `json:"total_pages"`
		}
		query := url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}, "user_id": {""}}
		err := c.get(ctx, "/v2/team/list", query, &answer)
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusUnauthorized && e.Type == "" {
			e.Kind = KindForbidden
		}
		if err != nil {
			return nil, err
		}
		if answer.Teams == nil {
			return nil, &Error{Gateway: c.base, Op: op, Kind: KindShape, Status: http.StatusOK}
		}
		for _, t := range *answer.Teams {
			teams[t.ID] = t
		}
		if page >= answer.Pages {
			return teams, nil
		}
	}
	return nil, &Error{Gateway: c.base, Op: op, Kind: KindTooLarge, Detail: "over 100,000 teams"}
}

// KeyInfo asks for one key by its hash. false means that the gateway knows no
// such key. In 1.106.2 a deleted key is still known.
func (c *Client) KeyInfo(ctx context.Context, hash [32]byte) (*record.KeyInfo, bool, error) {
	var answer struct {
		Info *keyRow `json:"info"`
	}
	err := c.get(ctx, "/key/info", url.Values{"key": {hex.EncodeToString(hash[:])}}, &answer)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound && e.Type == "not_found_error" {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if answer.Info == nil {
		return nil, false, &Error{Gateway: c.base, Op: "GET /key/info", Kind: KindShape, Status: http.StatusOK}
	}
	info := answer.Info.info(c.base, c.knownTeams(), false, time.Now())
	return &info, true, nil
}

// knownTeams is the teams as of the last time they were read.
func (c *Client) knownTeams() map[string]team {
	if p := c.teams.Load(); p != nil {
		return *p
	}
	return nil
}

// Find looks one key up by its hash without reading all of them: among the
// live keys, then in the archive, which /key/info of 1.81.0 does not know.
func (c *Client) Find(ctx context.Context, hash [32]byte) (*record.KeyInfo, bool, error) {
	teams, err := c.fetchTeams(ctx)
	if err != nil {
		return nil, false, err
	}
	c.teams.Store(&teams)
	info, found, err := c.KeyInfo(ctx, hash)
	if found || err != nil {
		return info, found, err
	}
	page, err := c.listPage(ctx, url.Values{
		"key_hash": {hex.EncodeToString(hash[:])}, "status": {"deleted"}, "size": {strconv.Itoa(pageSize)},
	})
	if noArchive(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	b := newBuilder(time.Now())
	for _, r := range *page.Keys {
		if h, ok := r.hash(); ok && h == hash {
			b.add(hash, [4]byte{}, r.info(c.base, teams, true, time.Now()))
		}
	}
	info, found = b.snapshot().Lookup(hash)
	return info, found, nil
}
