package main

import (
	"path/filepath"
	"testing"

	"sutler"
)

// TestKnown checks whom the door lets in of those whose proof is right.
func TestKnown(t *testing.T) {
	dir := t.TempDir()
	h, err := openHost(t.Context(), hostOptions{Data: filepath.Join(dir, "data"), Root: filepath.Join(dir, "root")})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, c := range []sutler.AccessChange{
		{Verb: sutler.AddUser, Name: "ann"}, {Verb: sutler.AddUser, Name: "bob"}, {Verb: sutler.DisableAccount, Name: "bob"}, {Verb: sutler.AddGroup, Name: "staff"},
	} {
		if err := h.admin().Change(t.Context(), administrator("test"), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		caller sutler.Caller
		want   bool
	}{
		{administrator("json"), true},
		{sutler.Caller{Account: "local"}, false}, // as a certificate could say
		{sutler.Caller{Account: "LOCAL"}, false},
		{sutler.Caller{Account: "ANN"}, true},
		{sutler.Caller{Account: "bob"}, false},
		{sutler.Caller{Account: "staff"}, false},
		{sutler.Caller{Account: sutler.MPFAdmins}, false},
		{sutler.Caller{Account: "carl"}, false},
		{sutler.Caller{Account: "openid:carl@https://issuer.example"}, true},
		{sutler.Caller{}, false},
	} {
		if got := h.known(c.caller); got != c.want {
			t.Errorf("%q is known: %t, want %t", c.caller.Account, got, c.want)
		}
	}
}
