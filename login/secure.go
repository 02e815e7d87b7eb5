package login

import (
	"net"
	"net/http"
	"net/netip"
)

// Secure reports whether nobody between the two ends of r's connection can
// read it: it is TLS that ends here, or both its addresses are loopback ones.
// What headers say of the way before (Forwarded, X-Forwarded-Proto) is never
// believed, as anybody can send them.
func Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && loopback(local.String()) && loopback(r.RemoteAddr)
}

// loopback reports whether addr, an address and a port, is a loopback one.
func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}
