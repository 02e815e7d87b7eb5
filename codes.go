package sutler

// The codes of the engine. Those with a well-known HRESULT use it; the others
// lie in the block 0xC2100001 to 0xC2100FFF. What a client of MPF sees as the
// code of an errorContext is HRESULT of these.
const (
	OK            Code = 0
	Failed        Code = 0x80004005
	Denied        Code = 0x80070005
	BadInput      Code = 0x80070057
	NotFound      Code = 0x80070490
	Exists        Code = 0x80070050
	NoSuchFile    Code = 0x80070002
	NotEmpty      Code = 0x80070091
	TimedOut      Code = 0x800705B4
	Cancelled     Code = 0x800704C7
	Busy          Code = 0x800706BB
	Unexpected    Code = 0xC2100001
	NotYet        Code = 0xC2100002
	LimitReached  Code = 0xC2100003
	LogRefused    Code = 0xC2100004
	LogFailed     Code = 0xC2100005
	Conflict      Code = 0xC2100006
	NoAnswer      Code = 0xC2100007
	Doubt         Code = 0xC2100008
	UndoFailure   Code = 0xC2100009
	BadRequest    Code = 0xC210000A
	BadNamespace  Code = 0xC210000B
	NullSource    Code = 0xC210000C
	BadTarget     Code = 0xC210000D
	TransformErr  Code = 0xC210000E
	PathErr       Code = 0xC210000F
	NoProvider    Code = 0xC2100010
	Corrupt       Code = 0xC2100011
	OutsideRoot   Code = 0xC2100012
	Stopping      Code = 0xC2100013
	ReadOnlyName  Code = 0xC2100014
	Interrupted   Code = 0xC2100015
	SchemaErr     Code = 0xC2100016
	Duplicate     Code = 0xC2100017
	NoAudit       Code = 0xC2100018
	Inactive      Code = 0xC2100019
	AccessUnknown Code = 0xC210001A
)

// HRESULT returns the code that an errorContext shows: that of MPF's documents
// where they have one, which is coarser (schema C.9), else c itself.
func (c Code) HRESULT() Code {
	switch c {
	case NullSource, BadTarget, PathErr, BadRequest, BadNamespace, SchemaErr:
		return BadInput
	case NoAnswer:
		return Failed
	}
	return c
}

// CodeInfo explains a code.
type CodeInfo struct {
	Code  Code
	Name  string // the word for it in commands: sutler explain Denied
	Title string // one line: what it means
	Help  string // why it happens and what to do
}

// Codes returns every code of the engine with its explanation, in the order of the list above.
func Codes() []CodeInfo { return append([]CodeInfo(nil), codes...) }

// Explain returns the explanation of c.
func Explain(c Code) (CodeInfo, bool) {
	for _, info := range codes {
		if info.Code == c {
			return info, true
		}
	}
	return CodeInfo{}, false
}

var codes = []CodeInfo{
	{OK, "OK", "success", "Nothing went wrong."},
	{Failed, "Failed", "unspecified failure", "There is no more precise code. The description says what could not be done."},
	{Denied, "Denied", "access denied", "Either nobody may do this, or the account may not. The description says what is refused; for a right, ask an administrator."},
	{BadInput, "BadInput", "invalid argument", "An argument is missing or has a value that is not allowed. The description names it."},
	{NotFound, "NotFound", "not found", "No object of that name exists. Names of namespaces and procedures are compared without regard to case; list them with sutler namespace list."},
	{Exists, "Exists", "it exists already", "An object of that name is there already and was left as it is."},
	{NoSuchFile, "NoSuchFile", "no such file or directory", "The file, directory or database does not exist below the provider's root."},
	{NotEmpty, "NotEmpty", "directory is not empty", "The directory holds something that this transaction did not make."},
	{TimedOut, "TimedOut", "time limit reached", "A call or a transformation took longer than its limit. The description names the limit and the setting that changes it."},
	{Cancelled, "Cancelled", "cancelled by the caller", "The caller withdrew the request, or the program was interrupted. Everything done was undone."},
	{Busy, "Busy", "the engine is busy", "As many requests run and wait, or as many logins wait, as there are places for. Try again later."},
	{Unexpected, "Unexpected", "internal error", "The engine met a state that it should not be in. The log of the engine holds the text under the transaction's ID; please report it."},
	{NotYet, "NotYet", "not supported yet", "The construct is understood and not carried out by this version."},
	{LimitReached, "LimitReached", "limit reached", "The request needs more than a limit allows. The description names the limit, its value and the setting that changes it. Everything done was undone."},
	{LogRefused, "LogRefused", "the transaction log refused a record", "Nothing was written: the engine's lease is no longer the newest, or the record is not allowed."},
	{LogFailed, "LogFailed", "the transaction log failed", "It is not known whether a record is durable. The engine touched nothing more. Mend what the description names, for instance a full disk, and start the server again: recovery finishes the transaction."},
	{Conflict, "Conflict", "changed or busy", "Somebody else changed the same thing at the same time, or it is in a state that does not allow this. The description says which; look again, then try again."},
	{NoAnswer, "NoAnswer", "the provider gave no answer", "A call panicked or missed its deadline. It was settled as the provider declares: undone, probed, or left to an operator."},
	{Doubt, "Doubt", "outcome in doubt", "The outcome of a call or a commit could not be found out. The transaction waits for an operator; sutler transaction show names the call."},
	{UndoFailure, "UndoFailure", "rollback failed", "At least one call could not be undone. The transaction waits for an operator; sutler transaction show names what is left."},
	{BadRequest, "BadRequest", "malformed request", "The request is not XML, or not of the shape that its kind must have. The description shows the place."},
	{BadNamespace, "BadNamespace", "faulty namespace", "The namespace file has errors; sutler namespace lint shows all of them with their places. Nothing was registered, or the engine refuses what an older one took: then register a corrected file."},
	{NullSource, "NullSource", "source selects nothing", "A source, forEach or repeat path selected no node and its ifNull is fail. Send the element, or say ifNull=\"ignore\" or ifNull=\"skip\"."},
	{BadTarget, "BadTarget", "destination cannot be reached", "The destinationPath selected nothing, and only plain child paths such as a/b are made when missing; or the target cannot hold the node."},
	{TransformErr, "TransformErr", "transformation failed", "A template raised an error, or its result is not exactly one element."},
	{PathErr, "PathErr", "path cannot be evaluated", "An XPath expression failed on this data."},
	{NoProvider, "NoProvider", "no such provider", "The namespace names a providerSource that this engine does not have, or its provider lacks the procedure."},
	{Corrupt, "Corrupt", "stored data cannot be read", "A record of the log or the configuration does not have the form it was written in."},
	{OutsideRoot, "OutsideRoot", "outside of the provider's root", "The path leads out of the folder that the provider may use, by .. or by a link. Paths are relative to the provider's root."},
	{Stopping, "Stopping", "the engine is stopping", "The engine takes no more requests. Submit to another one, or after the restart."},
	{Interrupted, "Interrupted", "the engine ended during the request", "The engine or its host died before the request was finished. Everything it had done was undone; submit it again."},
	{ReadOnlyName, "ReadOnlyName", "the namespace is read-only", "Namespaces marked readOnly=\"1\" and those built in cannot be changed."},
	{Duplicate, "Duplicate", "clientTransactionId used before", "The same trustee used this clientTransactionId for a request with other content. A repeated request must be the same to the byte; a new one needs a new ID."},
	{NoAudit, "NoAudit", "audit cannot be written", "The signed heads of the audit chain cannot be kept, so nothing new is accepted. Mend what the description names, for instance the folder of the anchor; the engine goes on by itself."},
	{Inactive, "Inactive", "the engine is not active", "An operator has deactivated the engine, or it is draining. Submit to another one, or say sutler engine activate."},
	{AccessUnknown, "AccessUnknown", "it is not known who may do what", "For five seconds the engine could not read who may do what, so that rights may have been withdrawn meanwhile: nobody is let do anything. What a request had done was undone. Mend what the description names, for instance the connection to the database; the engine goes on by itself."},
	{SchemaErr, "SchemaErr", "input does not fit its schema", "The executeData of a call breaks the input schema of the procedure. The description names the path, what was expected and what was found. Input is checked when the setting validation is on, or the schema says validate=\"1\"."},
}
