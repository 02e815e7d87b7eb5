package login

import (
	"net/http"
	"net/url"
	"strings"
)

// sameSite reports whether a page of this server, or the user, made the
// browser send r. Without word of it from the browser the answer is no.
func sameSite(r *http.Request) bool {
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && (site[0] == "same-origin" || site[0] == "none")
	}
	origin := r.Header.Values("Origin")
	if len(origin) != 1 {
		return false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return strings.EqualFold(origin[0], scheme+"://"+r.Host)
}

// changing reports whether r's method may change something.
func changing(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// navigation reports whether r is a browser that opens a page, which can be
// sent elsewhere to log in. A call of a script cannot.
func navigation(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		media, _, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(media), "text/html") {
			return true
		}
	}
	return false
}

// longestPath is the most of a path that survives a login.
const longestPath = 1 << 10

// localPath returns path if it leads to a page of this server, else /. What
// browsers take for another host (//host, /\host, a scheme) is not one.
func localPath(path string) string {
	if len(path) > longestPath || !strings.HasPrefix(path, "/") {
		return "/"
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return "/"
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.ContainsRune(u.Path, '\\') {
		return "/"
	}
	return path
}
