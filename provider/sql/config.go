package sql

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"sutler"
)

// config returns how to connect to t as who. No error holds anything of a password.
func (p *databases) config(t target, who sutler.Identity, wait time.Duration) (*pgconn.Config, error) {
	file, err := p.connections()
	if err != nil {
		return nil, err
	}
	cfg, err := file.login(t, who)
	if err != nil {
		return nil, err
	}
	// What the environment of this process says is not for connections by parts,
	// and nobody may change how texts and values are written.
	if t.Name == "" {
		cfg.RuntimeParams = map[string]string{}
	}
	for name, value := range map[string]string{
		"application_name": "sutler", "client_encoding": "UTF8", "standard_conforming_strings": "on",
		"DateStyle": "ISO, MDY", "IntervalStyle": "iso_8601", "TimeZone": "UTC", "bytea_output": "hex", "extra_float_digits": "1",
		"lock_timeout": strconv.FormatInt(wait.Milliseconds(), 10),
	} {
		cfg.RuntimeParams[name] = value
	}
	cfg.ConnectTimeout = wait
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 5 * time.Second}
	}
	return cfg, nil
}
