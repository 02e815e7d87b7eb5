package sutlertest

import (
	"encoding/json"
	"net/http"

	"sutler"
)

// Holder returns what admits callers to the door of a test: whoever shows the
// bearer token is caller, everybody else gets 401.
func Holder(token string, caller sutler.Caller) func(http.ResponseWriter, *http.Request) (sutler.Caller, bool) {
	return func(w http.ResponseWriter, r *http.Request) (sutler.Caller, bool) {
		if r.Header.Get("Authorization") == "Bearer "+token {
			return caller, true
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]*sutler.Error{"error": sutler.Errorf(sutler.Denied, "cannot let the caller in: it does not hold the token")}) // who is gone hears nothing
		return sutler.Caller{}, false
	}
}
