package sutler

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Setting is something that an operator tunes. Its value lives in the
// configuration store and is read when the engine starts.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`   // in force after the next start
	Default string `json:"default"` // in force when nothing is set
	Unit    string `json:"unit,omitempty"`
	Help    string `json:"help"` // one line
}

// SettingValidation switches the checking of executeData against the input
// schemas of procedures (MPF: Enable Schema Validation): on or off.
const SettingValidation = "validation"

// The settings of security. They count within seconds.
const (
	SettingDefaultDeny   = "access.defaultDeny"         // on: what has no access list is closed
	SettingImpersonation = "client.impersonationLevel"  // of all clients of engines (MPF: Impersonation Level)
	SettingCloaking      = "client.capabilities"        // the same (MPF: Capabilities)
	SettingClientLevel   = "client.authenticationLevel" // the same (MPF: Authentication Level)
	SettingPassport      = "login.passportEnabled"      // OpenID bearer tokens are taken (MPF: PassportEnabled)
)

// The settings of new passwords.
const (
	SettingPasswordLength = "login.passwordLength" // least characters
	SettingPasswordWords  = "login.passwordWords"  // that no password may hold
)

// What SettingPasswordLength may be, and what it is when nothing is set; and
// what SettingPasswordWords may hold.
const (
	leastPasswordLength = 8
	mostPasswordLength  = 128
	usualPasswordLength = 12
	mostPasswordWords   = 4096 // bytes
)

// PasswordRulesOf returns how many characters a new password has at least, and
// the words that it must not hold. What is not set, or cannot be read, has its
// default.
func PasswordRulesOf(stored map[string]string) (length int, words []string) {
	length, err := strconv.Atoi(stored[SettingPasswordLength])
	if err != nil || length < leastPasswordLength || length > mostPasswordLength {
		length = usualPasswordLength
	}
	for word := range strings.SplitSeq(stored[SettingPasswordWords], ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return length, words
}

// choices are settings that take one word of several; the first is in force
// when nothing is set.
var choices = []struct {
	name, help string
	words      []string
}{
	{SettingDefaultDeny, "refuse calls of procedures that have no access list, own or inherited", []string{"off", "on"}},
	{SettingImpersonation, "how far engines may act as the calling user: anonymous, identify, impersonate or delegate", []string{"default", "anonymous", "identify", "impersonate", "delegate"}},
	{SettingCloaking, "whose identity clients show: none, static or dynamic, which delegate needs", []string{"none", "static", "dynamic"}},
	{SettingClientLevel, "what connections of clients need: every level but none asks for TLS off loopback", []string{"call", "none", "connect", "packet", "integrity", "privacy"}},
	{SettingPassport, "take bearer tokens of the OpenID issuer", []string{"off", "on"}},
}

// DefaultDenyOf reports whether the stored settings close what has no access list.
func DefaultDenyOf(stored map[string]string) bool { return stored[SettingDefaultDeny] == "on" }

// ChoiceOf returns the word in force of a setting that takes one of several.
func ChoiceOf(stored map[string]string, name string) string {
	for _, c := range choices {
		if c.name == name {
			if slices.Contains(c.words, stored[name]) {
				return stored[name]
			}
			return c.words[0]
		}
	}
	return ""
}

// The settings of the auditing and recovery manager. They count from its next
// round on.
const (
	SettingAuditLevel      = "audit.level"
	SettingAuditRetention  = "audit.retention"
	SettingLogRetention    = "log.retention"
	SettingBadCommandDelay = "audit.badCommandsDelay"
)

// auditSettings are those settings with what they may be set to.
var auditSettings = []struct {
	name, usual, unit, help string
	least                   time.Duration // of a time; 0: the audit level
}{
	{SettingAuditLevel, "flagged", "", "what the audit log keeps: none, failed, all, flagged or full (0 to 4)", 0},
	{SettingAuditRetention, "90d", "time", "how long the audit log keeps a transaction", time.Hour},
	{SettingLogRetention, "1d", "time", "how long the log keeps what is not audited, and clientTransactionIds", time.Hour},
	{SettingBadCommandDelay, "60m", "time", "longest pause between attempts to run a command for the audit database", time.Second},
}

// auditLevels are the names of the audit levels.
var auditLevels = []string{"none", "failed", "all", "flagged", "full"}

// String returns the name of the level.
func (l AuditLevel) String() string {
	if l < 0 || int(l) >= len(auditLevels) {
		return strconv.Itoa(int(l))
	}
	return auditLevels[l]
}

// ParseAuditLevel reads a level by its name or number.
func ParseAuditLevel(s string) (AuditLevel, error) {
	for i, name := range auditLevels {
		if strings.EqualFold(s, name) || s == strconv.Itoa(i) {
			return AuditLevel(i), nil
		}
	}
	return 0, Errorf(BadInput, "no audit level is called %q: want %s, or 0 to 4", s, strings.Join(auditLevels, ", "))
}

// AuditSettings are the settings of the auditing and recovery manager.
type AuditSettings struct {
	Level           AuditLevel
	AuditRetention  time.Duration
	LogRetention    time.Duration
	BadCommandDelay time.Duration
}

// AuditSettingsOf returns what the stored settings ask for; what is not set,
// or cannot be read, has its default.
func AuditSettingsOf(stored map[string]string) AuditSettings {
	value := func(name string) string {
		if _, err := CheckSetting(name, stored[name]); err == nil && stored[name] != "" {
			return stored[name]
		}
		for _, s := range auditSettings {
			if s.name == name {
				return s.usual
			}
		}
		return ""
	}
	var a AuditSettings
	a.Level, _ = ParseAuditLevel(value(SettingAuditLevel))
	a.AuditRetention, _ = parseTime(value(SettingAuditRetention))
	a.LogRetention, _ = parseTime(value(SettingLogRetention))
	a.BadCommandDelay, _ = parseTime(value(SettingBadCommandDelay))
	return a
}

// parseTime reads a time such as 90d, 24h, 60m or 30s.
func parseTime(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// limitPrefix begins the names of the settings that are limits.
const limitPrefix = "limit."

// limitSettings ties the names of settings to the limits they set.
var limitSettings = []struct {
	name, unit, help string
	most             int64 // the greatest value that may be set
	field            func(*Limits) any
}{
	{"limit.requestBytes", "bytes", "size of a request or namespace file", 1 << 32, func(l *Limits) any { return &l.RequestBytes }},
	{"limit.depth", "levels", "depth of XML, also after edits", 10_000, func(l *Limits) any { return &l.Depth }},
	{"limit.treeNodes", "nodes", "living XML nodes of one transaction", 1 << 36, func(l *Limits) any { return &l.TreeNodes }},
	{"limit.treeBytes", "bytes", "text and names in the trees of one transaction", 1 << 40, func(l *Limits) any { return &l.TreeBytes }},
	{"limit.callDepth", "levels", "calls within calls", 1_000, func(l *Limits) any { return &l.CallDepth }},
	{"limit.calls", "calls", "calls of one transaction, composite ones included", 1 << 36, func(l *Limits) any { return &l.Calls }},
	{"limit.templateDepth", "levels", "XSLT templates within templates", 100_000, func(l *Limits) any { return &l.TemplateDepth }},
	{"limit.transformSteps", "steps", "work units of one transformation", 1 << 40, func(l *Limits) any { return &l.TransformSteps }},
	{"limit.resultBytes", "bytes", "result of one transformation", 1 << 32, func(l *Limits) any { return &l.ResultBytes }},
	{"limit.transformTime", "milliseconds", "time of one transformation", 86_400_000, func(l *Limits) any { return &l.TransformTime }},
	{"limit.callTime", "milliseconds", "time of one provider call", 86_400_000, func(l *Limits) any { return &l.CallTime }},
	{"limit.running", "requests", "requests that run at once", 100_000, func(l *Limits) any { return &l.Running }},
	{"limit.waiting", "requests", "requests that wait for a place; further ones are told to come back later", 10_000_000, func(l *Limits) any { return &l.Waiting }},
}

// Settings returns every setting there is, with the values of stored, the
// settings that were set; a name in stored that is unknown is left out.
func Settings(stored map[string]string) []Setting {
	d := DefaultLimits()
	all := make([]Setting, 0, len(limitSettings)+1)
	for _, s := range limitSettings {
		all = append(all, Setting{Name: s.name, Default: formatLimit(s.field(&d)), Unit: s.unit, Help: s.help})
	}
	all = append(all, Setting{Name: SettingValidation, Default: "off", Help: "check executeData against the input schemas of procedures"})
	for _, s := range auditSettings {
		all = append(all, Setting{Name: s.name, Default: s.usual, Unit: s.unit, Help: s.help})
	}
	for _, c := range choices {
		all = append(all, Setting{Name: c.name, Default: c.words[0], Help: c.help})
	}
	all = append(all,
		Setting{Name: SettingPasswordLength, Default: strconv.Itoa(usualPasswordLength), Unit: "characters", Help: "least length of new passwords, 8 to 128"},
		Setting{Name: SettingPasswordWords, Help: "words that new passwords must not hold, with commas between, such as the company's name"},
	)
	for i := range all {
		all[i].Value = all[i].Default
		if v, ok := stored[all[i].Name]; ok && v != "" {
			all[i].Value = v
		}
	}
	return all
}

// CheckSetting returns the name under which a setting is kept, if it may be
// set to value; the empty value stands for the default. Names are found
// without regard to case, limits also without "limit.". The error is an
// *Error: NotFound for an unknown name, BadInput for a value out of range.
func CheckSetting(name, value string) (string, error) {
	if strings.EqualFold(name, SettingValidation) {
		switch value {
		case "", "off", "on":
			return SettingValidation, nil
		}
		return "", Errorf(BadInput, "cannot set %s to %q: want on or off", name, value)
	}
	for _, c := range choices {
		if !strings.EqualFold(c.name, name) {
			continue
		}
		if value != "" && !slices.Contains(c.words, value) {
			return "", Errorf(BadInput, "cannot set %s to %q: want %s", c.name, value, strings.Join(c.words, ", "))
		}
		return c.name, nil
	}
	for _, s := range auditSettings {
		if !strings.EqualFold(s.name, name) {
			continue
		}
		if value == "" {
			return s.name, nil
		}
		if s.least == 0 {
			_, err := ParseAuditLevel(value)
			return s.name, err
		}
		if d, err := parseTime(value); err != nil || d < s.least || d > 100*366*24*time.Hour {
			return "", Errorf(BadInput, "cannot set %s to %q: want a time from %v to 100 years, such as 90d, 24h or 60m", s.name, value, s.least)
		}
		return s.name, nil
	}
	switch {
	case strings.EqualFold(name, SettingPasswordLength):
		if n, err := strconv.Atoi(value); value != "" && (err != nil || n < leastPasswordLength || n > mostPasswordLength) {
			return "", Errorf(BadInput, "cannot set %s to %q: want a number from %d to %d", SettingPasswordLength, value, leastPasswordLength, mostPasswordLength)
		}
		return SettingPasswordLength, nil
	case strings.EqualFold(name, SettingPasswordWords):
		if len(value) > mostPasswordWords || strings.ContainsFunc(value, unicode.IsControl) {
			return "", Errorf(BadInput, "cannot set %s: want at most %d bytes of words, with commas between", SettingPasswordWords, mostPasswordWords)
		}
		return SettingPasswordWords, nil
	}
	var l Limits
	return l.set(name, value)
}

// LimitsOf returns the limits that the stored settings ask for; what is not
// set has its default. Settings that are no limits are passed over.
func LimitsOf(stored map[string]string) (Limits, error) {
	l := DefaultLimits()
	for name, value := range stored {
		if !strings.HasPrefix(name, limitPrefix) {
			continue
		}
		if _, err := l.set(name, value); err != nil {
			return Limits{}, err
		}
	}
	return l, nil
}

// ValidationOf reports whether the stored settings ask for the checking of
// executeData against input schemas.
func ValidationOf(stored map[string]string) bool { return stored[SettingValidation] == "on" }

// set sets the limit that name stands for and returns the name of its setting;
// an empty value leaves the limit as it is.
func (l *Limits) set(name, value string) (string, error) {
	for _, s := range limitSettings {
		if !strings.EqualFold(s.name, name) && !strings.EqualFold(s.name, limitPrefix+name) {
			continue
		}
		if value == "" {
			return s.name, nil
		}
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil || v < 1 || v > s.most {
			return "", Errorf(BadInput, "cannot set %s to %q: want a whole number of %s from 1 to %d", name, value, s.unit, s.most)
		}
		switch f := s.field(l).(type) {
		case *int:
			*f = int(v)
		case *int64:
			*f = v
		}
		return s.name, nil
	}
	return "", Errorf(NotFound, "cannot find the setting: no setting is called %q; sutler setting list shows all", name)
}

func formatLimit(field any) string {
	switch f := field.(type) {
	case *int:
		return strconv.Itoa(*f)
	case *int64:
		return strconv.FormatInt(*f, 10)
	}
	return ""
}
