package client

import (
	"context"
	"net/http"
	"net/url"

	"sutler"
)

// Access returns who may do what.
func (c *Client) Access(ctx context.Context) (sutler.AccessView, error) {
	var v sutler.AccessView
	err := c.call(ctx, http.MethodGet, "/v1/access", nil, &v)
	return v, err
}

// ChangeAccess makes one change of who may do what.
func (c *Client) ChangeAccess(ctx context.Context, change sutler.AccessChange) error {
	return c.call(ctx, http.MethodPost, "/v1/access", change, nil)
}

// Ask gets what the server answers under a path of /v1/ with a query into out.
func (c *Client) Ask(ctx context.Context, path string, q url.Values, out any) error {
	return c.call(ctx, http.MethodGet, "/v1/"+path+"?"+q.Encode(), nil, out)
}

// Post sends in to a path of /v1/ and reads the answer into out.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	return c.call(ctx, http.MethodPost, "/v1/"+path, in, out)
}
