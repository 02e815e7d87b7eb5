package engine

import (
	"encoding/json"
	"strconv"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/security"
	"sutler/xmltree"
)

// hiddenData stands for executeData of a call that is sensitive.
const hiddenData = "<executeData>" + hidden + "</executeData>"

// hiddenResponse stands for the response of a transaction with a sensitive call.
const hiddenResponse = "<response><data>" + hidden + "</data></response>"

// sealed is what a record keeps encrypted.
type sealed struct {
	Context  string        `json:"context,omitempty"`
	Input    string        `json:"input,omitempty"`
	Rollback []sutler.Pair `json:"rollback,omitempty"`
	Secret   string        `json:"secret,omitempty"`
	Answer   string        `json:"answer,omitempty"`
	Private  *bool         `json:"private,omitempty"` // nil: sealed before it was kept, and private
}

// recordID is what the sealed part of a record is bound to: sealed parts of
// other transactions and calls do not open in its place.
func recordID(r *sutler.Record) []byte {
	return []byte(string(r.Transaction) + "/" + strconv.Itoa(r.Seq) + "/" + r.Kind.String())
}

// seal returns r as it is written: what is sensitive lies encrypted in it. The
// rollback datum CommitsLast stays readable, because it is no secret and
// decides the order of commits.
func (j *journal) seal(r sutler.Record) (sutler.Record, error) {
	if j.sealer == nil || !r.Sensitive && r.Answer == "" {
		r.Answer, r.Identity.Secret = "", sutler.Secret{}
		return r, nil
	}
	private := r.Private // so that a record that is not sealed stays where it is
	part := sealed{Context: r.Context, Input: r.Input, Secret: r.Identity.Secret.Reveal(), Answer: r.Answer, Private: &private}
	var open []sutler.Pair
	for _, p := range r.Rollback {
		if p.Name == sutler.CommitsLast {
			open = append(open, p)
		}
		part.Rollback = append(part.Rollback, p)
	}
	if r.Context != "" {
		var err error
		if r.Context, err = withoutSecrets(r.Context); err != nil {
			return r, err
		}
	}
	r.Input, r.Rollback, r.Answer, r.Identity.Secret = "", open, "", sutler.Secret{}
	plain, err := json.Marshal(part)
	if err != nil {
		return r, err
	}
	r.Sealed, err = j.sealer.Seal(plain, recordID(&r))
	return r, err
}

// unseal puts back what seal has encrypted.
func (e *Engine) unseal(rs []sutler.Record) error {
	for i := range rs {
		r := &rs[i]
		if len(r.Sealed) == 0 {
			continue
		}
		if e.sealer == nil {
			return sutler.Errorf(sutler.Corrupt, "cannot open the sealed record of call %d of transaction %s: this engine has no keys", r.Seq, r.Transaction)
		}
		plain, err := e.sealer.Open(r.Sealed, recordID(r))
		if err != nil {
			return sutler.Errorf(sutler.Corrupt, "cannot open the sealed record of call %d of transaction %s: %w", r.Seq, r.Transaction, err)
		}
		var part sealed
		if err := json.Unmarshal(plain, &part); err != nil {
			return sutler.Errorf(sutler.Corrupt, "cannot read the sealed record of call %d of transaction %s", r.Seq, r.Transaction)
		}
		r.Context, r.Input, r.Rollback, r.Answer = part.Context, part.Input, part.Rollback, part.Answer
		r.Identity.Secret = sutler.NewSecret(part.Secret)
		r.Sealed, r.Sensitive, r.Private = nil, true, part.Private == nil || *part.Private
	}
	return nil
}

// secretOf returns the password of a stored credential.
func (e *Engine) secretOf(c *security.Credential) (sutler.Secret, error) {
	if e.sealer == nil {
		return sutler.Secret{}, sutler.Errorf(sutler.Denied, "cannot use credential %q: this engine has no keys to open it", c.Name)
	}
	plain, err := e.sealer.Open(c.Sealed, security.CredentialRecord(c.Name))
	if err != nil {
		return sutler.Secret{}, sutler.Errorf(sutler.Denied, "cannot use credential %q: %w", c.Name, err)
	}
	return sutler.NewSecret(string(plain)), nil
}

// undoAs returns as whom a call is undone, committed or asked after: as it
// ran. A stored credential is used in its current form; while the request runs,
// one that was deleted or has another account is used as the call had it, so
// that nothing is left open or half done for that account. The calling user is
// there only as long as the request is: afterwards the provider gets the
// service account where the procedure declares so, and knows from its rollback
// data as whom it acted; otherwise nobody takes the caller's place.
func (e *Engine) undoAs(j *journal, s *sutler.Step) (sutler.Identity, error) {
	who := s.Identity
	switch who.Kind {
	case sutler.ExecuteAs:
		c := e.access.Load().Credential(who.Credential)
		if j.live && (c == nil || c.Account != who.Account) {
			return who, nil
		}
		if c == nil {
			return who, sutler.Errorf(sutler.Denied, "cannot go on as %q: the credential %q was deleted; set it again", who.Account, who.Credential)
		}
		secret, err := e.secretOf(c)
		who.Account, who.Secret = c.Account, secret
		return who, err
	case sutler.BasicAccount:
		if who.Secret.Empty() && e.sealer != nil {
			return who, sutler.Errorf(sutler.Denied, "cannot go on as %q: its password was not kept", who.Account)
		}
	case sutler.CallingUser:
		if j.live {
			return who, nil
		}
		p := e.providers[procedure.Fold(s.Provider)]
		if p == nil || !traitsOf(p, s.Procedure).UndoAsService {
			return who, sutler.Errorf(sutler.Denied,
				"cannot go on as the calling user %q, who has gone: undo %s/%s by hand, or give it an execute-as credential", who.Account, s.Namespace, s.Procedure)
		}
		return sutler.Identity{Kind: sutler.ServiceAccount}, nil
	}
	return who, nil
}

// recordContext returns the context of a call as its record keeps it: with
// credentials only where it is sealed.
func (e *Engine) recordContext(n *xmltree.Node, secret bool) (string, error) {
	text, err := written(n)
	if err != nil || secret && e.sealer != nil {
		return text, err
	}
	return withoutCredentials(text)
}

// withoutCredentials returns a context without its securityContext.
func withoutCredentials(context string) (string, error) {
	if !strings.Contains(context, "securityContext") {
		return context, nil
	}
	return editContext(context, func(c *xmltree.Node) {
		if s := c.Child("securityContext"); s != nil {
			s.Detach()
		}
	})
}

// withoutSecrets returns a context without its securityContext and errorContext,
// which may quote a sensitive call, and with what is marked hidden in it.
func withoutSecrets(context string) (string, error) {
	return editContext(context, func(c *xmltree.Node) {
		for _, name := range []string{"securityContext", "errorContext"} {
			if s := c.Child(name); s != nil {
				s.Detach()
			}
		}
		blank(c)
	})
}

func editContext(context string, edit func(c *xmltree.Node)) (string, error) {
	doc, err := xmltree.Parse([]byte(context), xmltree.Options{MaxBytes: int64(len(context)) + 1, MaxDepth: 1 << 20})
	if err != nil {
		return "", brief(err) // the lines of source may hold secrets
	}
	defer doc.Release()
	edit(doc.DocumentElement())
	return written(doc.DocumentElement())
}
