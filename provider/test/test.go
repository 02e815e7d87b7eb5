// Package test is the provider of the Test Namespace of MPF
// (Provisioning.SimpleProvider.1). Its procedures do nothing, so that what
// they are given comes back; namespaces are tried out with it.
package test

import (
	"context"
	_ "embed"
	"strings"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

//go:embed namespace.xml
var namespace string

// Namespace returns the namespace file of the provider.
func Namespace() []byte { return []byte(namespace) }

// New returns the provider. It keeps nothing.
func New() provider.Procedures {
	return provider.Procedures{
		"Read Request":       {Process: nothing},
		"Write Request":      {Process: nothing, Rollback: nothing, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"TwoPhase Request":   {Process: nothing, Rollback: nothing, Prepare: nothing, Commit: nothing, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"Return Credentials": {Process: returnCredentials},
	}
}

func nothing(context.Context, *sutler.Call) error { return nil }

// mask stands for a secret in what returnCredentials gives out.
const mask = "********"

// returnCredentials adds the securityContext that reached the provider, if one
// did, and the identity that it acts as. Passwords are masked.
func returnCredentials(_ context.Context, c *sutler.Call) error {
	if sc := c.Context.Child("securityContext"); sc != nil {
		reached, err := c.Data.Document().Copy(sc)
		if err != nil {
			return err
		}
		maskSecrets(reached)
		if err := c.Data.Append(reached); err != nil {
			return err
		}
	}
	id, err := provider.Add(c.Data, "identity")
	if err != nil {
		return err
	}
	provider.SetAttr(id, "kind", string(c.Identity.Kind))
	provider.SetAttr(id, "account", c.Identity.Account)
	return nil
}

// maskSecrets masks attributes and elements called password, whatever their
// case, and the whole text of elements marked do-not-log or sensitive.
func maskSecrets(e *xmltree.Node) {
	for a := e.Attrs(); a != nil; a = a.Next() {
		if strings.EqualFold(a.Local(), "password") {
			a.SetValue(mask)
		}
	}
	secret := strings.EqualFold(e.Local(), "password") || e.Attr("do-not-log") == "1" || e.Attr("sensitive") == "1"
	if secret && e.First() != nil {
		for e.First() != nil {
			e.First().Detach()
		}
		e.AppendText(mask)
		return
	}
	for child := e.FirstElement(); child != nil; child = child.NextElement() {
		maskSecrets(child)
	}
}
