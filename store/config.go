package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"

	"sutler"
)

// fold returns the form in which names of namespaces are compared.
func fold(name string) string { return strings.ToLower(name) }

// hashOf returns the content hash of a source.
func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Namespaces implements sutler.Config. A text that no longer has its hash is
// an error with code Corrupt that names the namespace.
func (s *Store) Namespaces(ctx context.Context) ([]sutler.Namespace, int64, error) {
	all, revision, err := s.namespaces(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the namespaces: %w", err)
	}
	return all, revision, nil
}

func (s *Store) namespaces(ctx context.Context) ([]sutler.Namespace, int64, error) {
	tx, err := s.reads.Load().BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // revision and namespaces of one moment
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = tx.Rollback() }()
	revision, err := revisionOf(ctx, tx)
	if err != nil {
		return nil, 0, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT name, hash, text, file, description, provider_source, version, read_only, procedures, registered
		FROM namespace JOIN source USING (hash) WHERE replaced IS NULL ORDER BY folded`)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var all []sutler.Namespace
	for rows.Next() {
		var ns sutler.Namespace
		var registered int64
		if err := rows.Scan(&ns.Name, &ns.Hash, &ns.Text, &ns.File, &ns.Description, &ns.ProviderSource, &ns.Version, &ns.ReadOnly, &ns.Procedures, &registered); err != nil {
			return nil, 0, err
		}
		if hashOf(ns.Text) != ns.Hash {
			return nil, 0, sutler.Errorf(sutler.Corrupt, "the text of namespace %q does not have the hash %s", ns.Name, ns.Hash)
		}
		ns.Registered = timeOf(registered)
		all = append(all, ns)
	}
	return all, revision, rows.Err()
}

func revisionOf(ctx context.Context, tx *sql.Tx) (int64, error) {
	var revision int64
	err := tx.QueryRowContext(ctx, "SELECT revision FROM state").Scan(&revision)
	return revision, err
}

// PutNamespaces implements sutler.Config. What a namespace replaces is kept
// with the revisions at which it was in force. A namespace without a time gets
// that of the store's clock. One without a name, with a hash that is not that
// of its text or given twice is an error with code BadInput.
func (s *Store) PutNamespaces(ctx context.Context, revision int64, ns ...sutler.Namespace) (int64, error) {
	if err := checkNamespaces(ns); err != nil {
		return 0, err
	}
	now := s.now()
	var next int64
	err := s.change(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		// The row of the state first, so that of two who change the catalog the
		// second sees what the first did.
		if _, err := tx.ExecContext(ctx, "UPDATE state SET revision = revision"); err != nil {
			return err
		}
		current, err := revisionOf(ctx, tx)
		if err != nil {
			return err
		}
		if current != revision {
			return sutler.Errorf(sutler.Conflict, "the catalog has revision %d and no longer %d", current, revision)
		}
		if next = current; len(ns) == 0 {
			return nil
		}
		next++
		if _, err := tx.ExecContext(ctx, "UPDATE state SET revision = $1", next); err != nil {
			return err
		}
		for i := range ns {
			n := ns[i]
			if n.Registered.IsZero() {
				n.Registered = now
			}
			if err := putNamespace(ctx, tx, next, &n); err != nil {
				return fmt.Errorf("namespace %q: %w", n.Name, err)
			}
		}
		return s.notify(tx)
	})
	if err != nil {
		return 0, fmt.Errorf("cannot store %d namespaces: %w", len(ns), err)
	}
	s.changed.tell()
	return next, nil
}

func checkNamespaces(ns []sutler.Namespace) error {
	seen := map[string]bool{}
	for i := range ns {
		n := &ns[i]
		switch {
		case n.Name == "":
			return sutler.Errorf(sutler.BadInput, "cannot store the namespace of file %q: it has no name", n.File)
		case seen[fold(n.Name)]:
			return sutler.Errorf(sutler.BadInput, "cannot store namespace %q: it comes twice", n.Name)
		case hashOf(n.Text) != n.Hash:
			return sutler.Errorf(sutler.BadInput, "cannot store namespace %q: its text does not have the hash %q", n.Name, n.Hash)
		}
		seen[fold(n.Name)] = true
	}
	return nil
}

func putNamespace(ctx context.Context, tx *sql.Tx, revision int64, n *sutler.Namespace) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO source (hash, text) VALUES ($1, $2) ON CONFLICT DO NOTHING", n.Hash, n.Text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE namespace SET replaced = $1 WHERE folded = $2 AND replaced IS NULL", revision, fold(n.Name)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO namespace
		(folded, revision, name, hash, file, description, provider_source, version, read_only, procedures, registered)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		fold(n.Name), revision, n.Name, n.Hash, n.File, n.Description, n.ProviderSource, n.Version, n.ReadOnly, n.Procedures, micros(n.Registered))
	return err
}

// Source returns the text with the given content hash, which some namespace
// has or had; code NotFound for an unknown one, Corrupt when the text no
// longer has that hash.
func (s *Store) Source(ctx context.Context, hash string) ([]byte, error) {
	var text []byte
	err := s.reads.Load().QueryRowContext(ctx, "SELECT text FROM source WHERE hash = $1", hash).Scan(&text)
	switch {
	case noRows(err):
		return nil, sutler.Errorf(sutler.NotFound, "there is no source with the hash %q", hash)
	case err != nil:
		return nil, fmt.Errorf("cannot read the source with the hash %q: %w", hash, err)
	case hashOf(text) != hash:
		return nil, sutler.Errorf(sutler.Corrupt, "cannot read the source with the hash %q: the text has another one", hash)
	}
	return text, nil
}

// Settings implements sutler.Config.
func (s *Store) Settings(ctx context.Context) (map[string]string, error) {
	rows, err := s.reads.Load().QueryContext(ctx, "SELECT name, value FROM setting")
	if err != nil {
		return nil, fmt.Errorf("cannot read the settings: %w", err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, fmt.Errorf("cannot read the settings: %w", err)
		}
		all[name] = value
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the settings: %w", err)
	}
	return all, nil
}

// SetSetting implements sutler.Config.
func (s *Store) SetSetting(ctx context.Context, name, value string) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if value == "" {
			if _, err := tx.Exec("DELETE FROM setting WHERE name = $1", name); err != nil {
				return err
			}
			return s.stamp(tx, "settings")
		}
		_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
		if err != nil {
			return err
		}
		return s.stamp(tx, "settings")
	})
	if err != nil {
		return fmt.Errorf("cannot set %q to %q: %w", name, value, err)
	}
	s.changed.tell()
	return nil
}
