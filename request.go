package sutler

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"sutler/xmltree"
)

// Spaces are the XML namespaces of the provisioning language. All of them
// mean "no namespace": a document in one of them is read as if it were in none.
var Spaces = []string{"http://maps/specs/prov.xml", "https://maps/specs/prov.xml"}

// Request is one provisioning request, checked for its shape and not yet
// compiled. Simple requests name a procedure outside the XML; trusted ones
// carry the procedure inside (MPF: SubmitRequest, SubmitTrustedRequest).
type Request struct {
	Namespace, Procedure string // of a simple request; empty in a trusted one
	Trusted              bool

	File    string            // what the submitter called the text, for messages
	Doc     *xmltree.Document // owns the nodes below; the engine takes it over on Submit
	Data    *xmltree.Node     // the element data, or nil
	Context *xmltree.Node     // the element context, or nil
	Steps   *xmltree.Node     // the inline procedure of a trusted request, or nil

	src []byte // the text it was parsed from; see Conceal
}

// Client returns the clientTransactionId of the request, or "".
func (r *Request) Client() string {
	if r.Context == nil {
		return ""
	}
	c := r.Context.Child("clientContext")
	if c == nil {
		return ""
	}
	return c.Attr("clientTransactionId")
}

// Digest returns the hexadecimal SHA-256 of what is asked: the kind of the
// request, its procedure and its XML as it is written. It must be asked before
// the request is run.
func (r *Request) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%t\x00%s\x00%s\x00", r.Trusted, strings.ToLower(r.Namespace), strings.ToLower(r.Procedure))
	if err := r.Doc.Root().Write(h, xmltree.WriteOptions{}); err != nil {
		panic("a hash takes everything: " + err.Error())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Limits bound what a request, a namespace or a transaction may use. Zero
// values mean the default of DefaultLimits.
type Limits struct {
	RequestBytes   int64 // size of a request or namespace file
	Depth          int   // XML depth, also after edits
	TreeNodes      int64 // living nodes of one transaction
	TreeBytes      int64 // bytes of text and names of one transaction
	CallDepth      int   // nested calls
	Calls          int64 // calls of one transaction, composite ones included
	TemplateDepth  int   // nested XSLT templates
	TransformSteps int64 // work units of one transformation
	ResultBytes    int64 // result of one transformation
	TransformTime  int64 // milliseconds of one transformation
	CallTime       int64 // milliseconds of one provider call
	Running        int   // requests at once
	Waiting        int   // requests that wait for a place
}

// DefaultLimits returns the limits in force when nothing is configured.
func DefaultLimits() Limits {
	return Limits{
		RequestBytes: 16 << 20, Depth: 256, TreeNodes: 10_000_000, TreeBytes: 256 << 20,
		CallDepth: 64, Calls: 1_000_000,
		TemplateDepth: 3000, TransformSteps: 10_000_000, ResultBytes: 64 << 20, TransformTime: 30_000,
		CallTime: 300_000, Running: 64, Waiting: 1024,
	}
}

// WithDefaults returns l with every zero value replaced by the default.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		RequestBytes:   cmp.Or(l.RequestBytes, d.RequestBytes),
		Depth:          cmp.Or(l.Depth, d.Depth),
		TreeNodes:      cmp.Or(l.TreeNodes, d.TreeNodes),
		TreeBytes:      cmp.Or(l.TreeBytes, d.TreeBytes),
		CallDepth:      cmp.Or(l.CallDepth, d.CallDepth),
		Calls:          cmp.Or(l.Calls, d.Calls),
		TemplateDepth:  cmp.Or(l.TemplateDepth, d.TemplateDepth),
		TransformSteps: cmp.Or(l.TransformSteps, d.TransformSteps),
		ResultBytes:    cmp.Or(l.ResultBytes, d.ResultBytes),
		TransformTime:  cmp.Or(l.TransformTime, d.TransformTime),
		CallTime:       cmp.Or(l.CallTime, d.CallTime),
		Running:        cmp.Or(l.Running, d.Running),
		Waiting:        cmp.Or(l.Waiting, d.Waiting),
	}
}

// Budget returns a fresh budget for the trees of one transaction.
func (l Limits) Budget() *xmltree.Budget {
	l = l.WithDefaults()
	return &xmltree.Budget{MaxNodes: l.TreeNodes, MaxBytes: l.TreeBytes, MaxDepth: l.Depth}
}

// Response is the answer to a request: data when the transaction committed,
// an errorContext when it was undone (MPF: response).
type Response struct {
	Transaction TransactionID
	Status      Status
	Err         *Error // nil when committed
	XML         []byte // the element response, without an XML declaration
	Repeated    bool   // the answer to an earlier request with the same clientTransactionId
}

// Caller is who asks: the authenticated account that a door vouches for.
type Caller struct {
	Account string   // name of the account, for instance "local" or corp\ann
	Groups  []string // groups it belongs to, among them the MPF… groups
	Door    string   // how it came in: json, soap, try, demo
	Reach   Reach    // how far an engine may act as the caller
	Unknown bool     // the door does not know who it is (impersonation level Anonymous)
}

// In reports whether the caller belongs to group.
func (c Caller) In(group string) bool { return slices.Contains(c.Groups, group) }

// The built-in groups of MPF.
const (
	MPFAdmins       = "MPFAdmins"
	MPFAuditors     = "MPFAuditors"
	MPFServiceAccts = "MPFServiceAccts"
	MPFClientAccts  = "MPFClientAccts"
	MPFTrustedUsers = "MPFTrustedUsers"
)

// IdentityKind says where an Identity comes from.
type IdentityKind string

// The four identities of a provider call (schema C.3.4).
const (
	ServiceAccount IdentityKind = "service"
	CallingUser    IdentityKind = "caller"
	BasicAccount   IdentityKind = "basic"
	ExecuteAs      IdentityKind = "executeAs"
)

// Identity is as whom a provider acts.
type Identity struct {
	Kind       IdentityKind `json:"kind"`
	Account    string       `json:"account,omitempty"`    // name for messages and records, never a secret
	Credential string       `json:"credential,omitempty"` // name of the stored credential, of kind executeAs
	Secret     Secret       `json:"-"`                    // the password of the account, of the kinds basic and executeAs
	Reach      Reach        `json:"-"`                    // how far a provider may act as the calling user
}

// Reach says how far an engine may act as the calling user, by the
// impersonation level of the client (MPF: Impersonation Level).
type Reach uint8

// The reaches: on the engine's own computer, not at all, on any computer.
const (
	ReachHost Reach = iota
	ReachNone
	ReachAll
)

// String returns kind or kind:account.
func (i Identity) String() string {
	if i.Account == "" {
		return string(i.Kind)
	}
	return fmt.Sprintf("%s:%s", i.Kind, i.Account)
}
